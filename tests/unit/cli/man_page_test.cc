// Holds docs/man/vbs.1 against the command table, both ways.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "cli/command.h"
#include "tests/unit/cli/repository.h"

namespace vbs::cli {
namespace {

using ::testing::ContainerEq;

/// Options by verb, each as "--name METAVAR"; under "" those of section OPTIONS.
using Described = std::map<std::string, std::set<std::string>>;

/// ".It Fl q , Fl -quiet" -> "--quiet"; ".It Fl -size Ar SIZE" -> "--size SIZE".
std::string option_of(const std::string& line) {
  const auto name = line.rfind("Fl -");
  if (name == std::string::npos) return "";
  std::string text = "-" + line.substr(name + 3);
  const auto value = text.find(" Ar ");
  return value == std::string::npos ? text : text.erase(value + 1, 3);
}

struct ManPage {
  Described options;
  std::map<std::string, std::set<std::string>> words;  ///< what .Cm and .Ar name, by verb
};

ManPage read_man_page() {
  ManPage page;
  std::istringstream lines(testing::source_file("docs/man/vbs.1"));
  std::string section;
  std::string verb;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(".Sh ")) section = line.substr(4), verb.clear();
    if (line.starts_with(".Ss ")) verb = line.substr(4), page.options[verb];
    const bool relevant = section == "OPTIONS" || section == "VERBS";
    if (relevant && line.starts_with(".It Fl ")) page.options[verb].insert(option_of(line));
    if (line.starts_with(".Cm ") || line.starts_with(".Ar ")) {
      page.words[verb].insert(line.substr(4, line.find(' ', 4) - 4));
    }
  }
  return page;
}

std::string as_described(const OptionSpec& option) {
  const std::string name(option.long_name());
  return option.metavar.empty() ? name : name + " " + option.metavar;
}

Described expected() {
  Described all;
  all[""] = {"--help", "--version"};
  for (const auto& option : common_options()) all[""].insert(as_described(option));
  for (const auto& command : command_table()) {
    auto& options = all[command.name];
    for (const auto& option : command.options) options.insert(as_described(option));
  }
  return all;
}

TEST(ManPage, DescribesEveryVerbAndOptionAndNoOther) {
  EXPECT_THAT(read_man_page().options, ContainerEq(expected()));
}

TEST(ManPage, NamesEveryArgumentAndEveryChoice) {
  const ManPage page = read_man_page();
  for (const auto& command : command_table()) {
    const auto words = page.words.find(command.name);
    ASSERT_NE(words, page.words.end()) << command.name;
    EXPECT_TRUE(words->second.contains(command.name)) << "synopsis of " << command.name;
    std::vector<std::string> wanted;
    for (const auto& argument : command.arguments) {
      wanted.push_back(argument.name);
      wanted.insert(wanted.end(), argument.choices.begin(), argument.choices.end());
    }
    for (const auto& option : command.options) {
      wanted.insert(wanted.end(), option.choices.begin(), option.choices.end());
    }
    for (const auto& word : wanted) {
      EXPECT_TRUE(words->second.contains(word)) << command.name << ": " << word;
    }
  }
}

TEST(ManPage, ListsTheExitCodes) {
  std::istringstream lines(testing::source_file("docs/man/vbs.1"));
  std::set<std::string> listed;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(".Sh ")) inside = line == ".Sh EXIT STATUS";
    if (inside && line.starts_with(".It ")) listed.insert(line.substr(4));
  }
  EXPECT_THAT(listed, ContainerEq(std::set<std::string>{"0", "1", "2", "3", "4", "5", "6", "7", "8",
                                                        "130"}));
}

}  // namespace
}  // namespace vbs::cli

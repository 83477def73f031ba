#include "cli/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vbs::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Invocation parse(const std::vector<std::string>& line) {
  auto parsed = parse_command_line(line);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().text);
  return parsed ? *parsed : Invocation{};
}

std::string refusal(const std::vector<std::string>& line) {
  auto parsed = parse_command_line(line);
  EXPECT_FALSE(parsed);
  if (parsed) return "";
  EXPECT_EQ(parsed.error().exit_code, ExitCode::usage);
  return parsed.error().text;
}

TEST(Parser, TakesCommonOptionsBeforeAndBehindTheVerb) {
  const auto first = parse({"--output", "json", "describe-volume", "db", "--url=http://x"});
  EXPECT_EQ(first.command->name, "describe-volume");
  EXPECT_EQ(first.arguments.value("--output"), "json");
  EXPECT_EQ(first.arguments.value("--url"), "http://x");
  EXPECT_EQ(first.arguments.required("VOLUME"), "db");
  EXPECT_TRUE(parse({"usage", "-q"}).arguments.has("--quiet"));
}

TEST(Parser, TakesArgumentsThatLookLikeVerbsOrOptions) {
  EXPECT_EQ(parse({"describe-volume", "version"}).arguments.required("VOLUME"), "version");
  EXPECT_EQ(parse({"describe-volume", "--", "--odd"}).arguments.required("VOLUME"), "--odd");
}

TEST(Parser, RepeatsOnlyWhatMayBeRepeated) {
  const auto many =
      parse({"create-volume", "--tag", "a=1", "--size", "1G", "--tag", "b=2", "--name", "x"});
  EXPECT_THAT(many.arguments.values("--tag"), ElementsAre("a=1", "b=2"));
  EXPECT_THAT(refusal({"create-volume", "--size", "1G", "--size", "2G"}), HasSubstr("--size"));
  EXPECT_THAT(refusal({"describe-volume", "a", "b"}), HasSubstr("nothing to do with 'b'"));
}

TEST(Parser, AFlagTakesNoValue) {
  EXPECT_TRUE(parse({"detach-volume", "db", "--force"}).arguments.has("--force"));
  EXPECT_FALSE(parse({"detach-volume", "db"}).arguments.has("--force"));
  EXPECT_THAT(refusal({"detach-volume", "db", "--force=false"}),
              HasSubstr("--force: takes no value"));
}

TEST(Parser, NamesWhatIsWrongAndWhatWasMeant) {
  EXPECT_THAT(refusal({}), HasSubstr("a verb is missing"));
  EXPECT_THAT(refusal({"--quiet"}), HasSubstr("a verb is missing"));
  EXPECT_THAT(refusal({"create-volum"}), HasSubstr("did you mean create-volume?"));
  EXPECT_THAT(refusal({"create-volume", "--nmae", "x"}), HasSubstr("did you mean --name?"));
  EXPECT_THAT(refusal({"create-volume", "--nmae=x"}), HasSubstr("did you mean --name?"));
  EXPECT_THAT(refusal({"create-volume", "--size", "many"}), HasSubstr("--size"));
  EXPECT_THAT(refusal({"attach-volume", "db"}), HasSubstr("--vm is required"));
  EXPECT_THAT(refusal({"delete-volume"}), HasSubstr("VOLUME is required"));
  EXPECT_THAT(refusal({"completion", "fish"}), HasSubstr("must be one of bash, zsh"));
}

TEST(Parser, EscapesWhatItRepeats) {
  const std::string text = refusal({"create\x1b[2J"});
  EXPECT_THAT(text, HasSubstr("\\x1b[2J"));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(Parser, HelpListsEveryVerbAndTheExitCodes) {
  const auto parsed = parse_command_line({"--help"});
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().exit_code, ExitCode::ok);
  for (const auto& spec : command_table()) {
    EXPECT_THAT(parsed.error().text, HasSubstr("  " + spec.name + " "));
    EXPECT_THAT(parsed.error().text, HasSubstr(spec.summary));
  }
  EXPECT_THAT(parsed.error().text, HasSubstr(exit_code_help()));
}

TEST(Parser, HelpOfAVerbListsItsOptions) {
  for (const auto& spec : command_table()) {
    const auto parsed = parse_command_line({spec.name, "--help"});
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().exit_code, ExitCode::ok);
    const std::string& text = parsed.error().text;
    EXPECT_THAT(text, HasSubstr("Usage: vbs " + spec.name));
    for (const auto& option : spec.options) {
      EXPECT_THAT(text, HasSubstr(option.name + (option.metavar.empty() ? "" : " ") +
                                  option.metavar + " "));
    }
    for (const auto& argument : spec.arguments) EXPECT_THAT(text, HasSubstr(argument.help));
  }
}

TEST(Parser, TellsItsVersion) {
  const auto parsed = parse_command_line({"--version"});
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().text, "vbs " VBS_VERSION "\n");
}

}  // namespace
}  // namespace vbs::cli

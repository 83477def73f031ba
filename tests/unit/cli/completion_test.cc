#include "cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command.h"

namespace vbs::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Completion, KnowsEveryVerbAndOption) {
  const std::string script = bash_completion();
  for (const auto& command : command_table()) {
    std::string words;
    for (const auto& option : command.options) words += std::string(option.long_name()) + "\\n";
    EXPECT_THAT(script, HasSubstr("    " + command.name + ") printf -- '" + words)) << command.name;
    for (const auto& option : command.options) {
      if (option.choices.empty()) continue;
      EXPECT_THAT(script, HasSubstr("'" + command.name + " " + std::string(option.long_name()) +
                                    "') echo 'choice " + option.choices.front()));
    }
  }
}

TEST(Completion, NeverLetsTheShellExpandWhatTheServiceSays) {
  EXPECT_THAT(bash_completion(), Not(HasSubstr("compgen -W")));
  EXPECT_THAT(bash_completion(), Not(HasSubstr("eval")));
}

TEST(Completion, ForZshIsTheSameScriptOnItsBashEmulation) {
  EXPECT_THAT(zsh_completion(), HasSubstr("bashcompinit"));
  EXPECT_THAT(zsh_completion(), HasSubstr(bash_completion()));
}

}  // namespace
}  // namespace vbs::cli

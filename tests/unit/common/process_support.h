#pragma once

#include <gtest/gtest.h>

#include <string>

#include "common/process.h"

namespace vbs::process {

inline Command shell(const std::string& script) {
  Command command;
  command.argv = {"/bin/sh", "-c", script};
  return command;
}

inline Outcome ran(const Command& command) {
  auto outcome = run(command);
  EXPECT_TRUE(outcome) << describe(outcome.error());
  return outcome.value_or(Outcome{});
}

}  // namespace vbs::process

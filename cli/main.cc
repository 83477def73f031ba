#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "cli/run.h"

int main(int argc, char** argv) {
  const auto environment = [](const std::string& name) -> std::string {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? "" : value;
  };
  const vbs::cli::Surroundings surroundings{std::vector<std::string>(argv + 1, argv + argc),
                                            environment, std::cout, std::cerr,
                                            isatty(STDERR_FILENO) == 1};
  return static_cast<int>(vbs::cli::run(surroundings));
}

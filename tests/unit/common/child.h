#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

namespace vbs::test {

/// Runs `body` in a forked copy of this process, which leaves with the body's answer, and returns
/// its pid. The copy never runs the test program's own end.
inline pid_t fork_child(const std::function<int()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(body());
  return pid;
}

/// The status that waitpid gives for the end of such a child.
inline int wait_status(pid_t pid) {
  int status = -1;
  ::waitpid(pid, &status, 0);
  return status;
}

inline int run_in_child(const std::function<int()>& body) {
  return wait_status(fork_child(body));
}

/// Fields of /proc/PID/stat from the state on ("S", parent, group, session, ...), proc(5); empty
/// if there is no such process.
inline std::vector<std::string> stat_fields(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(in, line);
  const auto end_of_name = line.rfind(')');
  if (end_of_name == std::string::npos) return {};
  std::istringstream rest(line.substr(end_of_name + 1));
  std::vector<std::string> fields;
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

/// Neither gone nor a zombie that somebody else has not reaped yet.
inline bool is_running(pid_t pid) {
  const auto fields = stat_fields(pid);
  return !fields.empty() && fields[0] != "Z" && fields[0] != "X";
}

}  // namespace vbs::test

#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <string>

#include "common/file.h"
#include "tests/unit/db/support.h"

namespace vbs::db::testing {

/// A forked process that runs `body` and ends without any destructor. Fork before this process
/// opens a database: connections do not survive it. Killed with this object if it still runs.
class ChildProcess {
 public:
  /// `body` talks to the parent by the two descriptors.
  explicit ChildProcess(const std::function<void(int from_parent, int to_parent)>& body) {
    int down[2];
    int up[2];
    if (pipe(down) != 0 || pipe(up) != 0) std::abort();
    pid_ = fork();
    if (pid_ == 0) {
      close(down[1]);
      close(up[0]);
      body(down[0], up[1]);
      _exit(0);
    }
    close(down[0]);
    close(up[1]);
    to_child_ = FileDescriptor(down[1]);
    from_child_ = FileDescriptor(up[0]);
  }
  ~ChildProcess() { kill_now(); }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  void tell(char byte) { ASSERT_EQ(write(to_child_.get(), &byte, 1), 1); }

  /// The next byte from the child; 0 when it has ended.
  char hear() {
    char byte = 0;
    return read(from_child_.get(), &byte, 1) == 1 ? byte : '\0';
  }
  /// What the child says next; "" when it has ended.
  std::string hear_some() {
    char bytes[4096];
    const ssize_t length = read(from_child_.get(), bytes, sizeof(bytes));
    return {bytes, static_cast<std::size_t>(std::max<ssize_t>(0, length))};
  }
  /// All that the child says until it ends.
  std::string hear_all() {
    std::string text;
    for (auto part = hear_some(); !part.empty(); part = hear_some()) text += part;
    return text;
  }
  void kill_now() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  FileDescriptor to_child_;
  FileDescriptor from_child_;
};

/// In a child: waits for a byte from the parent.
inline void wait_for_parent(int from_parent) {
  char byte = 0;
  if (read(from_parent, &byte, 1) != 1) _exit(1);
}

/// In a child: sends text to the parent.
inline void say(int to_parent, const std::string& text) {
  if (write(to_parent, text.data(), text.size()) != static_cast<ssize_t>(text.size())) _exit(1);
}

inline DatabaseOptions options_for(const std::string& path, WriteMode mode = WriteMode::inline_) {
  DatabaseOptions options;
  options.path = path;
  options.mode = mode;
  return options;
}

}  // namespace vbs::db::testing

#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>

#include "common/file.h"
#include "tests/unit/volume_delegate/support.h"
#include "volume_delegate/target/tgt/tgt_driver.h"

namespace vbs::volume_delegate::testing {

/// A loopback port that is free right now, below the ephemeral ones; different test processes begin
/// to look at different places.
inline std::uint16_t free_port() {
  static std::uint16_t next = static_cast<std::uint16_t>(20'000 + ::getpid() % 500 * 20);
  while (!check_portal_is_free(Portal{"127.0.0.1", ++next})) {
  }
  return next;
}

/// Somebody who has a loopback port.
class Listener {
 public:
  explicit Listener(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(0, ::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)));
    EXPECT_EQ(0, ::listen(fd_.get(), 1));
  }

 private:
  const FileDescriptor fd_;
};

/// The process that listens on a control socket; 0 if nobody does.
inline pid_t pid_behind(const std::string& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket.c_str(), sizeof(address.sun_path) - 1);
  const FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return 0;
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return 0;
  return peer.pid;
}

/// Whether a process that is no child has threads that may still hold files and locks. The first of
/// them may be a zombie before the others have ended.
inline bool is_alive(pid_t pid) {
  if (::kill(pid, 0) != 0) return false;
  const std::string folder = "/proc/" + std::to_string(pid);
  const auto stat = read_file(folder + "/stat");
  if (!stat) return false;
  std::error_code gone;
  const std::filesystem::directory_iterator threads(folder + "/task", gone);
  const bool zombie = stat->find(") Z ") != std::string::npos;
  return !gone && (!zombie || std::distance(begin(threads), end(threads)) > 1);
}

/// Kills a process that is no child and waits until nothing of it runs.
inline void kill_and_wait(pid_t pid) {
  if (pid <= 0) return;
  ::kill(pid, SIGKILL);
  eventually([&] { return !is_alive(pid); });
}

/// A real tgtd of its own; skipped where the program is missing.
class TgtTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::access("/usr/sbin/tgtd", X_OK) != 0) GTEST_SKIP() << "/usr/sbin/tgtd is not installed";
    options_.folder = dir_ / "tgt";
    options_.portal = Portal{"127.0.0.1", free_port()};
    options_.control_port = 1;
  }
  void TearDown() override { kill_daemon(); }

  std::string socket() const { return options_.folder + "/control.1"; }
  pid_t daemon_pid() const { return pid_behind(socket()); }
  /// Returns when the kernel has closed the daemon's sockets.
  void kill_daemon() const {
    kill_and_wait(daemon_pid());
    EXPECT_TRUE(eventually([this] { return check_portal_is_free(options_.portal).has_value(); }));
  }

  std::unique_ptr<TgtDriver> start() {
    auto driver = TgtDriver::create(options_);
    EXPECT_EQ("", trouble(driver));
    if (!driver) return nullptr;
    EXPECT_EQ("", trouble((*driver)->ensure_running()));
    return std::move(*driver);
  }

  /// A sparse file to serve.
  std::string make_image(const std::string& name, std::uint64_t size = 8 << 20) const {
    const std::string path = dir_ / name;
    EXPECT_EQ("", trouble(write_file_durably(path, "", 0600)));
    EXPECT_EQ(0, ::truncate(path.c_str(), static_cast<off_t>(size)));
    return path;
  }

  TempDir dir_;
  TgtOptions options_;
};

}  // namespace vbs::volume_delegate::testing

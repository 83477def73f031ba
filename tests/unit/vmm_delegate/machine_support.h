#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "common/file.h"
#include "common/process.h"
#include "common/wire/session.h"
#include "tests/unit/vmm_delegate/support.h"

/// Real programs for tests: QEMU without an operating system, tgtd, and what else is started.
namespace vbs::test {

constexpr const char* kQemu = "/usr/bin/qemu-system-x86_64";
constexpr const char* kQemuIscsi = "/usr/lib/x86_64-linux-gnu/qemu/block-iscsi.so";
constexpr const char* kTgtd = "/usr/sbin/tgtd";
constexpr const char* kTgtadm = "/usr/sbin/tgtadm";

/// Which of the programs is missing; "" if none.
inline std::string missing_program() {
  for (const char* program : {kQemu, kQemuIscsi, kTgtd, kTgtadm}) {
    if (::access(program, R_OK) != 0) return program;
  }
  return "";
}

/// A child that is killed with this object or with the test.
class Child {
 public:
  Child() = default;
  Child(const std::vector<std::string>& argv, const std::vector<std::string>& environment,
        const std::string& output) {
    std::vector<char*> arguments;
    for (const std::string& text : argv) arguments.push_back(const_cast<char*>(text.c_str()));
    arguments.push_back(nullptr);
    std::vector<char*> variables;
    for (const std::string& text : environment)
      variables.push_back(const_cast<char*>(text.c_str()));
    variables.push_back(nullptr);
    const int log = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::dup2(log, 1);
      ::dup2(log, 2);
      ::execve(arguments[0], arguments.data(), variables.data());
      ::_exit(127);
    }
    ::close(log);
  }
  ~Child() { kill(); }
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  Child& operator=(Child&& other) noexcept {
    kill();
    pid_ = std::exchange(other.pid_, 0);
    return *this;
  }

  pid_t pid() const { return pid_; }
  void signal(int number) const { ::kill(pid_, number); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait();
  }
  /// The exit code, or 128 and the signal's number.
  int wait() {
    int status = 0;
    if (pid_ <= 0 || ::waitpid(std::exchange(pid_, 0), &status, 0) < 0) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  /// Whether it has ended by itself; `wait` then tells how.
  bool ended() const {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == pid_;
  }

 private:
  pid_t pid_ = 0;
};

/// A loopback listener that accepts nothing: connections succeed, and nobody answers.
class SilentPortal {
 public:
  SilentPortal() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd_ = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    while (true) {
      const std::uint16_t port = next_port();
      address.sin_port = htons(port);
      const auto* raw = reinterpret_cast<const sockaddr*>(&address);
      if (::bind(fd_.get(), raw, sizeof(address)) == 0 && ::listen(fd_.get(), 8) == 0) {
        portal_ = "127.0.0.1:" + std::to_string(port);
        return;
      }
    }
  }
  const std::string& portal() const { return portal_; }
  /// Never the same twice, because who asked may bind it later. Below the ports that outgoing
  /// connections take; other processes begin elsewhere.
  static std::uint16_t next_port() {
    static std::uint16_t next = static_cast<std::uint16_t>(20'000 + ::getpid() % 500 * 20);
    return next++;
  }

 private:
  FileDescriptor fd_;
  std::string portal_;
};

/// A portal on which nobody listens, or will in this process.
inline std::string free_portal() {
  const SilentPortal probe;  // closed on return, and free then
  return probe.portal();
}

/// A tgtd of this test alone.
class TestTgtd {
 public:
  explicit TestTgtd(const std::string& folder, const std::string& portal = free_portal())
      : folder_(folder), portal_(portal) {
    child_ = Child({kTgtd, "-f", "-C", "1", "-t", "2", "--iscsi", "portal=" + portal_},
                   {"TGT_IPC_SOCKET=" + folder_ + "/tgt"}, folder_ + "/tgtd.log");
    EXPECT_TRUE(eventually([&] { return admin({"--mode", "system", "--op", "show"}); }));
  }
  const std::string& portal() const { return portal_; }
  const Child& child() const { return child_; }

  bool admin(const std::vector<std::string>& arguments) const {
    process::Command command;
    command.argv = {kTgtadm, "-C", "1", "--lld", "iscsi"};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.environment["TGT_IPC_SOCKET"] = folder_ + "/tgt";
    const auto outcome = process::run(command);
    return outcome && outcome->exit_code == 0;
  }

  /// Serves a sparse file as LUN 1 of target `number`; returns how to log in.
  wire::SessionSpec serve(unsigned number, const Uuid& volume, const std::string& initiator) {
    return serve(number, volume, initiator, "iqn.2026-01.vbs:test-" + std::to_string(number));
  }
  wire::SessionSpec serve(unsigned number, const Uuid& volume, const std::string& initiator,
                          const std::string& iqn) {
    wire::SessionSpec session = device_spec("", volume).session;
    session.portal = portal_;
    session.iqn = iqn;
    const std::string tid = std::to_string(number);
    const std::string image = folder_ + "/" + volume.str();
    std::ofstream(image) << "";
    std::filesystem::resize_file(image, 8 << 20);
    if (!std::exchange(account_, true)) {
      EXPECT_TRUE(admin({"--mode", "account", "--op", "new", "--user", session.chap_user,
                         "--password", session.chap_secret.reveal()}));
    }
    EXPECT_TRUE(admin({"--mode", "target", "--op", "new", "--tid", tid, "-T", session.iqn}));
    EXPECT_TRUE(admin({"--mode", "logicalunit", "--op", "new", "--tid", tid, "--lun", "1", "-b",
                       image, "--bstype", "rdwr"}));
    EXPECT_TRUE(admin({"--mode", "logicalunit", "--op", "update", "--tid", tid, "--lun", "1",
                       "--params", "scsi_sn=" + volume.str() + ",thin_provisioning=1"}));
    EXPECT_TRUE(
        admin({"--mode", "account", "--op", "bind", "--tid", tid, "--user", session.chap_user}));
    EXPECT_TRUE(admin({"--mode", "target", "--op", "bind", "--tid", tid, "-Q", initiator}));
    return session;
  }
  bool make_read_only(unsigned number) const {
    return admin({"--mode", "logicalunit", "--op", "update", "--tid", std::to_string(number),
                  "--lun", "1", "--params", "readonly=1"});
  }
  /// The volume's file becomes larger, and initiators see that; nothing may be under way.
  bool grow(unsigned number, const Uuid& volume, std::uint64_t size_bytes) const {
    const std::string image = folder_ + "/" + volume.str();
    std::filesystem::resize_file(image, size_bytes);
    return admin({"--mode", "logicalunit", "--op", "update", "--tid", std::to_string(number),
                  "--lun", "1", "--params", "online=0,path=" + image + ",online=1"});
  }
  bool drop_unit(unsigned number) const {
    return admin(
        {"--mode", "logicalunit", "--op", "delete", "--tid", std::to_string(number), "--lun", "1"});
  }

 private:
  const std::string folder_;
  const std::string portal_;
  bool account_ = false;
  Child child_;
};

/// A QEMU that boots nothing. Its processors run, or stand still with "-S" among `more`.
inline Child start_qemu(const std::string& folder, const std::string& name,
                        const std::vector<std::string>& more) {
  std::vector<std::string> argv{kQemu,
                                "-nodefaults",
                                "-no-user-config",
                                "-display",
                                "none",
                                "-machine",
                                "pc",
                                "-accel",
                                "tcg",
                                "-m",
                                "32",
                                "-qmp",
                                "unix:" + folder + "/" + name + ".qmp,server=on,wait=off"};
  argv.insert(argv.end(), more.begin(), more.end());
  return Child(argv, {"LC_ALL=C"}, folder + "/" + name + ".log");
}

inline const std::vector<std::string> kScsi{"-device", "virtio-scsi-pci,id=scsi0"};

}  // namespace vbs::test

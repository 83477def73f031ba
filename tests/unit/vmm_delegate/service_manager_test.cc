#include "vmm_delegate/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "common/file.h"
#include "tests/unit/common/support.h"

namespace vbs::vmm_delegate {
namespace {

/// What a service manager that listens at `name` is told; "" when nothing.
std::string told_at(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name.front() == '@') address.sun_path[0] = '\0';
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address),
                   static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())),
            0);
  ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  const auto told = tell_ready();
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_TRUE(told) << told.error().message;
  char text[64];
  const ssize_t got = ::recv(socket.get(), text, sizeof(text), 0);
  return got < 0 ? "" : std::string(text, static_cast<std::size_t>(got));
}

TEST(ServiceManager, HearsThatTheProgramIsReady) {
  const test::TempDir dir;
  EXPECT_EQ(told_at(dir.path("socket")), "READY=1");
  EXPECT_EQ(told_at("@vbs-test-" + std::to_string(::getpid())), "READY=1") << "an abstract name";
}

TEST(ServiceManager, WhereThereIsNoneNothingIsTold) {
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_TRUE(tell_ready());
}

TEST(ServiceManager, OneThatCannotBeToldIsAnError) {
  const test::TempDir dir;
  ::setenv("NOTIFY_SOCKET", dir.path("nobody").c_str(), 1);
  const auto told = tell_ready();
  ::unsetenv("NOTIFY_SOCKET");
  ASSERT_FALSE(told);
  EXPECT_NE(told.error().message.find("ready"), std::string::npos);
}

}  // namespace
}  // namespace vbs::vmm_delegate

#include "api/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/unit/http/raw_socket.h"

namespace vbs::api {
namespace {

using http::test::RawSocket;
using testing::HasSubstr;

class ProgramTest : public testing::Test {
 protected:
  ProgramTest() {
    std::string pattern = testing::TempDir() + "vbs-program-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    folder_ = pattern;
    settings_.database = folder_ + "/vbs.db";
    settings_.service_token_file = folder_ + "/token";
    write(settings_.service_token_file, "0123456789abcdef\n");
  }
  ~ProgramTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  void write(const std::string& path, const std::string& text, mode_t mode = 0600) {
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
  }
  std::string refusal() {
    auto program = Program::start(settings_);
    return program ? "" : program.error().message;
  }

  std::string folder_;
  Settings settings_;
};

TEST_F(ProgramTest, TheKeyOfTheDatabaseStandsWhereItIsTold) {
  settings_.database_key_file = folder_ + "/key";
  EXPECT_EQ(refusal(), "");
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/key"));
  write(folder_ + "/key", "no key\n");
  EXPECT_THAT(refusal(), HasSubstr("database_key_file " + folder_ + "/key must hold"));
}

TEST_F(ProgramTest, ServesAndEnds) {
  for (int i = 0; i < 2; ++i) {
    auto program = Program::start(settings_);
    ASSERT_TRUE(program) << program.error().message;
    RawSocket socket = RawSocket::connect((*program)->port());
    socket.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const auto answer = socket.answer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.body, HasSubstr("vbs_operations_live 0\n"));
    EXPECT_THAT(answer.body, HasSubstr("vbs_http_connections_open 1\n"));
  }
}

TEST_F(ProgramTest, ATakenPortIsSaidAndLeavesNothingBehind) {
  auto first = Program::start(settings_);
  ASSERT_TRUE(first) << first.error().message;
  Settings other = settings_;
  other.database = folder_ + "/other.db";
  other.server.port = (*first)->port();
  auto second = Program::start(other);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_THAT(second.error().message,
              HasSubstr("cannot listen on 127.0.0.1 port " + std::to_string(other.server.port)));
  first->reset();
  EXPECT_TRUE(Program::start(other));
}

TEST_F(ProgramTest, EndsWhileRequestsAreWritten) {
  auto program = Program::start(settings_);
  ASSERT_TRUE(program) << program.error().message;
  const std::string cancel =
      "POST /v1/operations/0190b1a2-0000-7000-8000-000000000000/cancel HTTP/1.1\r\nHost: "
      "localhost\r\n"
      "Content-Length: 0\r\n\r\n";
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&cancel, port = (*program)->port()] {
      RawSocket socket = RawSocket::connect(port);
      while (socket.send(cancel) && socket.answer().status == 404) {
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  program->reset();
  for (std::thread& client : clients) client.join();
}

TEST_F(ProgramTest, BeyondLoopbackItNeedsTokens) {
  for (const char* address : {"0.0.0.0", "::", "192.0.2.1"}) {
    settings_.server.address = address;
    EXPECT_THAT(refusal(), HasSubstr("needs tokens_file")) << address;
  }
}

TEST_F(ProgramTest, TheServiceTokenIsForItsOwnerAlone) {
  write(settings_.service_token_file, "0123456789abcdef", 0640);
  EXPECT_THAT(refusal(), HasSubstr("`chmod 600` it"));
  write(settings_.service_token_file, "short");
  EXPECT_THAT(refusal(), HasSubstr("at least 16 printable characters"));
  settings_.service_token_file = folder_ + "/absent";
  EXPECT_THAT(refusal(), HasSubstr("cannot read service_token_file"));
}

}  // namespace
}  // namespace vbs::api

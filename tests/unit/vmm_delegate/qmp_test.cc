#include "vmm_delegate/hypervisor/qemu/qmp.h"

#include <gtest/gtest.h>

#include "tests/unit/common/support.h"
#include "tests/unit/vmm_delegate/scripted_peer.h"

namespace vbs::vmm_delegate {
namespace {

using test::ScriptedPeer;

constexpr const char* kGreeting = R"({"QMP": {"version": {}, "capabilities": []}})"
                                  "\r\n";

/// The answer to a line, with its id.
std::string answer_to(const std::string& line, const std::string& result) {
  const auto command = json::parse(line);
  const auto id = *command->find("id")->as<std::int64_t>();
  return R"({"return": )" + result + R"(, "id": )" + std::to_string(id) + "}\r\n";
}

bool is_handshake(const std::string& line) {
  return line.find("qmp_capabilities") != std::string::npos;
}

class QmpTest : public testing::Test {
 protected:
  /// A peer that shakes hands properly and answers everything else with `answer`.
  void listen(ScriptedPeer::Answer answer) {
    peer = std::make_unique<ScriptedPeer>(path, kGreeting, [answer](const std::string& line) {
      return is_handshake(line) ? std::optional(answer_to(line, "{}")) : answer(line);
    });
  }

  Result<Qmp> connect() { return Qmp::connect(path, limits); }

  test::TempDir dir;
  const std::string path = dir.path("vm.qmp");
  Qmp::Limits limits{Milliseconds(20'000), Milliseconds(20'000), 64 * 1024};
  std::unique_ptr<ScriptedPeer> peer;
};

TEST_F(QmpTest, AsksAndIsAnswered) {
  listen([](const std::string& line) {
    return answer_to(line, R"({"status": "running", "running": true})");
  });
  auto qmp = connect();
  ASSERT_TRUE(qmp);
  const auto answer = qmp->execute("query-status", [](json::Writer& out) { out.member("x", "y"); });
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer->find("status")->as<std::string>(), "running");
  EXPECT_EQ(peer->received().back(), R"({"execute":"query-status","arguments":{"x":"y"},"id":2})");
}

TEST_F(QmpTest, AsksSeveralThingsAtOnce) {
  listen([](const std::string& line) {
    if (line.find("query-none") == std::string::npos) return answer_to(line, "[" + line + "]");
    const auto id = *json::parse(line)->find("id")->as<std::int64_t>();
    return R"({"error": {"class": "CommandNotFound", "desc": "none"}, "id": )" +
           std::to_string(id) + "}\r\n";
  });
  auto qmp = connect();
  ASSERT_TRUE(qmp);
  const auto answers = qmp->ask({{"query-a"}, {"query-b"}});
  ASSERT_TRUE(answers);
  ASSERT_EQ(answers->size(), 2U);
  const auto& second = *answers->at(1).as<json::Value::Array>();
  EXPECT_EQ(*second.front().find("execute")->as<std::string>(), "query-b");

  const auto refused = qmp->ask({{"query-none"}, {"query-c"}});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("query-none"), std::string::npos);
  EXPECT_TRUE(qmp->execute("query-d")) << "all answers were taken";
}

TEST_F(QmpTest, TellsNoSocketFromNobodyListening) {
  EXPECT_EQ(connect().error().code, ErrorCode::not_found);
  listen([](const std::string&) { return std::nullopt; });
  peer.reset();
  EXPECT_EQ(connect().error().code, ErrorCode::node_unavailable);
  const std::string far = "/tmp/" + std::string(200, 'x');
  EXPECT_EQ(Qmp::connect(far, limits).error().code, ErrorCode::invalid_request);
}

TEST_F(QmpTest, GivesUpOnAPeerThatDoesNotGreet) {
  peer = std::make_unique<ScriptedPeer>(path, "", [](const std::string&) { return std::nullopt; });
  limits.greeting = Milliseconds(30);
  EXPECT_EQ(connect().error().code, ErrorCode::timeout);
}

TEST_F(QmpTest, WaitsForItsTurnAndGivesUpInTime) {
  listen([](const std::string& line) { return answer_to(line, "{}"); });
  auto first = connect();
  ASSERT_TRUE(first);
  limits.greeting = Milliseconds(30);
  EXPECT_EQ(connect().error().code, ErrorCode::timeout);
  limits.greeting = Milliseconds(20'000);
  first = fail(ErrorCode::internal, "gone");
  EXPECT_TRUE(connect()) << "the next is served once the first has left";
}

TEST_F(QmpTest, RefusesAnotherProtocol) {
  for (const char* greeting : {"SSH-2.0-x\n", "{}\n", "[1]\n", "7\n", "{\"QMP\n", "\xff\xfe\n"}) {
    peer = std::make_unique<ScriptedPeer>(path, greeting,
                                          [](const std::string&) { return std::nullopt; });
    EXPECT_EQ(connect().error().code, ErrorCode::internal) << greeting;
    peer.reset();
    ::unlink(path.c_str());
  }
}

TEST_F(QmpTest, GarbageForAnAnswerIsAnError) {
  const char* answers[] = {"what?\n",
                           "{\"return\": {}}\n",
                           "{\"id\": 2}\n",
                           "{\"return\": {}, \"id\": 77}\n",
                           "{\"return\": {}, \"id\": \"2\"}\n",
                           "{\"return\": 1, \"return\": 2, \"id\": 2}\n"};
  for (const char* text : answers) {
    listen([text](const std::string&) { return std::string(text); });
    auto qmp = connect();
    ASSERT_TRUE(qmp);
    EXPECT_EQ(qmp->execute("query-status").error().code, ErrorCode::internal) << text;
    qmp = fail(ErrorCode::internal, "gone");
    peer.reset();
    ::unlink(path.c_str());
  }
}

TEST_F(QmpTest, ALineWithoutEndIsCutOff) {
  listen([](const std::string&) { return std::string(256 * 1024, 'x'); });
  auto qmp = connect();
  ASSERT_TRUE(qmp);
  EXPECT_EQ(qmp->execute("query-block").error().code, ErrorCode::invalid_request);
}

TEST_F(QmpTest, HalfAnAnswerIsATimeout) {
  listen([](const std::string&) { return std::string("{\"return\": "); });
  auto qmp = connect();
  ASSERT_TRUE(qmp);
  EXPECT_EQ(qmp->execute("query-block", {}, Milliseconds(30)).error().code, ErrorCode::timeout);
}

TEST_F(QmpTest, APeerThatLeavesIsToldFromOneThatIsSlow) {
  listen([](const std::string&) { return std::nullopt; });
  auto qmp = connect();
  ASSERT_TRUE(qmp);
  EXPECT_EQ(qmp->execute("query-block").error().code, ErrorCode::node_unavailable);
}

TEST_F(QmpTest, ReadsAnAnswerOfManyPieces) {
  const std::string serial(40'000, 's');
  listen([&](const std::string& line) { return answer_to(line, "\"" + serial + "\""); });
  auto qmp = connect();
  ASSERT_TRUE(qmp);
  EXPECT_EQ(*qmp->execute("qom-get")->as<std::string>(), serial);
}

TEST_F(QmpTest, TellsRefusalsApart) {
  std::string kind = "GenericError";
  listen([&](const std::string& line) {
    const auto id = *json::parse(line)->find("id")->as<std::int64_t>();
    return R"({"error": {"class": ")" + kind + R"(", "desc": "no way"}, "id": )" +
           std::to_string(id) + "}\n";
  });
  auto qmp = connect();
  ASSERT_TRUE(qmp);
  const auto refused = qmp->execute("device_add");
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_NE(refused.error().message.find("no way"), std::string::npos);
  kind = "DeviceNotFound";
  EXPECT_EQ(qmp->execute("device_del").error().code, ErrorCode::not_found);
}

TEST_F(QmpTest, EventsDoNotGetInTheWayAndAreKept) {
  listen([](const std::string& line) {
    return R"({"event": "STOP", "data": {}})"
           "\n"
           R"({"event": "DEVICE_DELETED", "data": {"path": "/machine/x/virtio-backend"}})"
           "\n"
           R"({"event": "DEVICE_DELETED", "data": {"device": "other", "path": "/x"}})"
           "\n"
           R"({"event": "DEVICE_DELETED", "data": {"device": "mine", "path": "/y"}})"
           "\n" +
           answer_to(line, "{}");
  });
  auto qmp = connect();
  ASSERT_TRUE(qmp);
  ASSERT_TRUE(qmp->execute("device_del"));
  EXPECT_EQ(qmp->wait_deleted("mine", Milliseconds(0)), true);
  EXPECT_EQ(qmp->wait_deleted("mine", Milliseconds(5)), false) << "each event counts once";
  EXPECT_EQ(qmp->wait_deleted("other", Milliseconds(0)), true);
}

TEST_F(QmpTest, WaitsForAnEventThatComesLater) {
  listen([](const std::string& line) {
    return answer_to(line, "{}") + R"({"event": "DEVICE_DELETED", "data": {"device": "mine"}})"
                                   "\n";
  });
  auto qmp = connect();
  ASSERT_TRUE(qmp);
  ASSERT_TRUE(qmp->execute("device_del"));
  EXPECT_EQ(qmp->wait_deleted("mine", Milliseconds(20'000)), true);
}

}  // namespace
}  // namespace vbs::vmm_delegate

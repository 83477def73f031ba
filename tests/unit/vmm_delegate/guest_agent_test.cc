#include "vmm_delegate/hypervisor/qemu/guest_agent.h"

#include <gtest/gtest.h>

#include "tests/unit/common/support.h"
#include "tests/unit/vmm_delegate/scripted_peer.h"

namespace vbs::vmm_delegate {
namespace {

using test::ScriptedPeer;

constexpr const char* kSerial = "01890a5d-ac96-774b-bcce-b302099a8057";

std::optional<std::string> sync_answer(const std::string& line) {
  const auto start = line.find('{');
  const auto command = json::parse(std::string_view(line).substr(start));
  if (*command->find("execute")->as<std::string>() != "guest-sync-delimited") return std::nullopt;
  const auto token = *command->find("arguments")->find("id")->as<std::int64_t>();
  // An answer to a client that left, and the agent's complaint about the delimiter, come first.
  return R"({"return": {"pid": 7}})"
         "\n"
         R"({"error": {"class": "GenericError", "desc": "JSON parse error"}})"
         "\n\xff"
         R"({"return": )" +
         std::to_string(token) + "}\n";
}

class GuestAgentTest : public testing::Test {
 protected:
  void listen(ScriptedPeer::Answer answer) {
    peer = std::make_unique<ScriptedPeer>(path, "", [answer](const std::string& line) {
      const auto synced = sync_answer(line);
      return synced ? synced : answer(line);
    });
  }
  Result<GuestAgent> connect() {
    auto agent = GuestAgent::knock(path, limits);
    if (!agent) return agent;
    if (auto ready = agent->synchronise(); !ready) return fail(ready.error());
    return agent;
  }

  test::TempDir dir;
  const std::string path = dir.path("vm.qga");
  GuestAgent::Limits limits{Milliseconds(20'000), Milliseconds(20'000), Milliseconds(20'000),
                            64 * 1024};
  std::unique_ptr<ScriptedPeer> peer;
};

bool asks(const std::string& line, const char* command) {
  return line.find(command) != std::string::npos;
}

TEST_F(GuestAgentTest, FindsADiskAndWhereItIsMounted) {
  listen([](const std::string& line) -> std::optional<std::string> {
    std::string text =
        asks(line, "guest-get-disks")
            ? R"({"return": [{"name": "/dev/sda1", "partition": true, "address": {"serial": "SERIAL"}},)"
              R"({"name": "/dev/sdb", "partition": false, "address": {"serial": "other"}},)"
              R"({"name": "/dev/sda", "partition": false, "address": {"serial": "0QEMU_HD_SERIAL"}},)"
              R"({"name": "/dev/sr0", "partition": false}]})"
            : R"({"return": [{"mountpoint": "/", "disk": [{"serial": "other"}]},)"
              R"({"mountpoint": "/data", "disk": [{"serial": "other"}, {"serial": "SERIAL"}]},)"
              R"({"mountpoint": "/more", "disk": [{"serial": "SERIAL"}]}]})";
    for (auto at = text.find("SERIAL"); at != std::string::npos; at = text.find("SERIAL")) {
      text.replace(at, 6, kSerial);
    }
    return text + "\n";
  });
  auto agent = connect();
  ASSERT_TRUE(agent);
  const auto disk = agent->disk(kSerial);
  ASSERT_TRUE(disk && *disk);
  EXPECT_EQ((*disk)->device, "/dev/sda");
  EXPECT_EQ((*disk)->mountpoints, (std::vector<std::string>{"/data", "/more"}));
}

// Serials are optional: an ordinary virtio disk has none.
TEST_F(GuestAgentTest, WithoutSerialsItIsNotKnownWhatIsMounted) {
  bool tells = false;
  listen([&](const std::string& line) -> std::optional<std::string> {
    const std::string disks =
        R"({"return": [{"name": "/dev/sda", "partition": false, "address": {)" +
        (tells ? R"("serial": ")" + std::string(kSerial) + R"("}}]})" : R"(}}]})");
    return (asks(line, "guest-get-disks")
                ? disks
                : R"({"return": [{"mountpoint": "/", "disk": [{"dev": "/dev/vda"}]}]})") +
           "\n";
  });
  auto agent = connect();
  ASSERT_TRUE(agent);
  EXPECT_EQ(agent->mounted_disk(kSerial).error().code, ErrorCode::not_found);
  tells = true;
  const auto free = agent->mounted_disk(kSerial);
  ASSERT_TRUE(free) << free.error().message;
  EXPECT_FALSE(*free);
}

TEST_F(GuestAgentTest, AVirtioDiskShowsTheBeginningOfItsSerial) {
  listen([](const std::string&) -> std::optional<std::string> {
    return R"({"return": [{"mountpoint": "/data", "disk": [{"serial": ")" +
           std::string(kSerial).substr(0, 20) + "\"}]}]}\n";
  });
  auto agent = connect();
  ASSERT_TRUE(agent);
  const auto disk = agent->mounted_disk(kSerial);
  ASSERT_TRUE(disk && *disk);
  EXPECT_EQ((*disk)->mountpoints, std::vector<std::string>{"/data"});
}

TEST_F(GuestAgentTest, ASerialThatOnlyEndsAlikeIsAnother) {
  listen([](const std::string&) {
    return std::string(R"({"return": [{"name": "/dev/sda", "partition": false, "address": )"
                       R"({"serial": "x01890a5d-ac96-774b-bcce-b302099a8057"}}]})"
                       "\n");
  });
  auto agent = connect();
  ASSERT_TRUE(agent);
  const auto disk = agent->disk(kSerial);
  ASSERT_TRUE(disk);
  EXPECT_FALSE(*disk);
}

TEST_F(GuestAgentTest, FreezesOnceAndThaws) {
  std::string status = "thawed";
  listen([&](const std::string& line) -> std::optional<std::string> {
    if (asks(line, "guest-fsfreeze-status")) return "{\"return\": \"" + status + "\"}\n";
    return std::string("{\"return\": 1}\n");
  });
  auto agent = connect();
  ASSERT_TRUE(agent);
  EXPECT_EQ(agent->freeze_files(), FileFreeze::frozen);
  EXPECT_TRUE(asks(peer->received().back(), "guest-fsfreeze-freeze"));
  status = "frozen";
  EXPECT_EQ(agent->freeze_files(), FileFreeze::was_frozen);
  EXPECT_TRUE(asks(peer->received().back(), "guest-fsfreeze-status"));
  EXPECT_TRUE(agent->thaw_files());
}

TEST_F(GuestAgentTest, ARefusalIsPassedOn) {
  listen([](const std::string&) {
    return std::string(R"({"error": {"class": "CommandNotFound", "desc": "in frozen state"}})"
                       "\n");
  });
  auto agent = connect();
  ASSERT_TRUE(agent);
  const auto disk = agent->disk(kSerial);
  ASSERT_FALSE(disk);
  EXPECT_EQ(disk.error().code, ErrorCode::conflict);
  EXPECT_NE(disk.error().message.find("in frozen state"), std::string::npos);
}

TEST_F(GuestAgentTest, AGuestThatAnswersNonsenseIsAnError) {
  for (const char* text : {"?\n", "{}\n", "{\"return\": {}}\n", "[]\n", "{\"return\": [7]}\n"}) {
    listen([text](const std::string&) { return std::string(text); });
    {
      auto agent = connect();
      ASSERT_TRUE(agent);
      const auto disk = agent->disk(kSerial);
      EXPECT_TRUE(!disk || !*disk) << text;
      EXPECT_FALSE(agent->freeze_files()) << text;
    }
    peer.reset();
    ::unlink(path.c_str());
  }
}

TEST_F(GuestAgentTest, ASilentAgentAndAnEndlessOneAreGivenUp) {
  peer = std::make_unique<ScriptedPeer>(path, "", [](const std::string&) { return ""; });
  limits.sync = Milliseconds(30);
  EXPECT_EQ(connect().error().code, ErrorCode::timeout);
  peer.reset();
  ::unlink(path.c_str());
  limits.sync = Milliseconds(20'000);
  listen([](const std::string&) { return std::string(200'000, '['); });
  auto agent = connect();
  ASSERT_TRUE(agent);
  EXPECT_EQ(agent->disk(kSerial).error().code, ErrorCode::invalid_request);
}

}  // namespace
}  // namespace vbs::vmm_delegate

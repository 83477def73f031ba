// Random work in a world where calls are lost, late, doubled and spoiled and the front dies now and
// then, all from one seed. When the faults end, rows and world must come to agree.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.h"

namespace vbs::sim {
namespace {

constexpr int kSeeds = 40;
constexpr int kRequests = 30;

/// One run; the journal it leaves.
class RandomRun {
 public:
  explicit RandomRun(std::uint64_t seed)
      : world_(seed, seed % 2 == 0 ? InitiatorKind::of_host : InitiatorKind::of_vms) {
    world_.network.set_faults({20, 40, 40, 80, 40, 80});
    for (int i = 0; i < kRequests; ++i) step();
    world_.network.set_faults({});
    settled_ = world_.settle();
    world_.time.run_for(Milliseconds(180'000));  // late calls arrive, sweeps remove what they left
    settled_ = settled_ && world_.settle();
  }

  bool settled() const { return settled_; }
  World& world() { return world_; }

 private:
  void step() {
    using http::Method;
    fakes::SimRandom& chance = world_.chance;
    switch (chance.below(8)) {
      case 0:
      case 1:
        remember(volumes_, world_.send(Method::post, "/v1/volumes", R"({"size_bytes":1048576})"),
                 "volume");
        break;
      case 2:
        send_to(volumes_, Method::post, "/v1/volumes/", "/attachments", R"({"vm":"vm1"})");
        break;
      case 3:
        detach();
        break;
      case 4:
        send_to(volumes_, Method::del, "/v1/volumes/", "", "");
        break;
      case 5:
        snapshot();
        break;
      case 6:
        grow();
        break;
      default:
        send_to(snapshots_, Method::del, "/v1/snapshots/", "", "");
        break;
    }
    world_.time.run_for(Milliseconds(static_cast<std::int64_t>(chance.below(4'000))));
    if (chance.once_in(10)) {
      world_.kill_front();
      world_.start_front();
    }
    collect();
  }

  void remember(std::vector<std::string>& ids, std::shared_ptr<World::Answer> answer,
                std::string resource) {
    pending_.push_back([&ids, answer, resource] {
      if (!answer->response) return false;
      const std::string id = answer->member(resource, "id");
      if (!id.empty()) ids.push_back(id);
      return true;
    });
  }

  void collect() {
    std::erase_if(pending_, [](const std::function<bool()>& take) { return take(); });
  }

  void send_to(const std::vector<std::string>& ids, http::Method method, const std::string& before,
               const std::string& after, const std::string& body) {
    if (ids.empty()) return;
    auto answer = world_.send(method, before + ids[world_.chance.below(ids.size())] + after, body);
    if (!after.empty()) remember(attachments_, answer, "attachment");
  }

  void detach() {
    if (attachments_.empty() || volumes_.empty()) return;
    const std::string& attachment = attachments_[world_.chance.below(attachments_.size())];
    for (const std::string& volume : volumes_) {
      world_.send(http::Method::del,
                  "/v1/volumes/" + volume + "/attachments/" + attachment + "?force=true");
    }
  }

  void grow() {
    const std::uint64_t size_bytes = (1 + world_.chance.below(4)) << 20;
    send_to(volumes_, http::Method::patch, "/v1/volumes/", "",
            R"({"size_bytes":)" + std::to_string(size_bytes) + "}");
  }

  void snapshot() {
    if (volumes_.empty()) return;
    const std::string body =
        R"({"volume_id":")" + volumes_[world_.chance.below(volumes_.size())] + R"("})";
    remember(snapshots_, world_.send(http::Method::post, "/v1/snapshots", body), "snapshot");
  }

  World world_;
  std::vector<std::string> volumes_, snapshots_, attachments_;
  std::vector<std::function<bool()>> pending_;
  bool settled_ = false;
};

TEST(FaultsTest, RowsAndWorldAgreeInTheEnd) {
  std::set<std::string> succeeded;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomRun run(seed);
    ASSERT_TRUE(run.settled()) << run.world().journal();
    ASSERT_THAT(run.world().disagreements(), testing::IsEmpty()) << run.world().journal();
    const std::string journal = run.world().journal();
    for (const std::string kind : {"create-volume", "modify-volume", "attach-volume"}) {
      if (journal.find(kind + " succeeded") != std::string::npos) succeeded.insert(kind);
    }
  }
  EXPECT_EQ(succeeded.size(), 3u) << "the faults let nothing through";
}

TEST(FaultsTest, TheSameSeedGivesTheSameRun) {
  for (std::uint64_t seed : {3, 11}) {
    RandomRun first(seed);
    RandomRun second(seed);
    EXPECT_FALSE(first.world().journal().empty());
    EXPECT_EQ(first.world().journal(), second.world().journal());
    EXPECT_EQ(first.world().network.arrived(), second.world().network.arrived());
  }
  EXPECT_NE(RandomRun(3).world().journal(), RandomRun(4).world().journal());
}

}  // namespace
}  // namespace vbs::sim

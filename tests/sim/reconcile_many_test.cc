// The reconciler over as many volumes as one server may hold.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "db/transitions.h"
#include "db/usage_table.h"
#include "tests/sim/world.h"

namespace vbs::sim {
namespace {

using http::Method;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using volume_delegate::ObjectKind;

constexpr std::size_t kVolumes = 10'000;
constexpr std::uint64_t kSize = 1 << 20;

class ManyVolumesTest : public testing::Test {
 protected:
  void SetUp() override {
    deleted = *Uuid::parse(world.create_volume());
    world.carry_out(Method::del, "/v1/volumes/" + deleted.str());
    world.kill_front();
    {
      auto database = db::Database::open({world.settings.database, db::WriteMode::inline_, 1});
      ASSERT_TRUE(database);
      fakes::SimExecutor executor(world.time, [](const Task& task) { task(); });
      (*database)->write([this](db::Transaction& tx) { return insert(tx); },
                         [](const Result<void>& ok) { ASSERT_TRUE(ok); }, executor);
      world.time.run_for(Milliseconds(1000));
    }
    for (const Uuid& id : ids) ASSERT_TRUE(world.volumes.store.create_volume(id, kSize));
    world.start_front();
    next_sweep();
    ASSERT_THAT(audit(), HasSubstr(R"("findings":[])"));
  }

  Result<void> insert(db::Transaction& tx) {
    db::Volume row;
    row.project = "default";
    row.node = "vs1";
    row.size_bytes = kSize;
    row.state = db::VolumeState::available;
    row.created_at = row.updated_at = world.clock.wall();
    for (std::size_t i = 0; i < kVolumes; ++i) {
      row.id = ids.emplace_back(Uuid::generate(world.clock, world.random));
      db::VolumeTable(tx.connection()).insert(row, {});
    }
    return db::UsageTable(tx.connection())
        .reserve(row.project, row.node, {kVolumes, 0, kVolumes * kSize}, {});
  }

  void next_sweep() { world.time.run_for(world.settings.sweep_interval + Milliseconds(2'000)); }
  std::string audit() { return world.carry_out(Method::get, "/v1/audit").response->body; }
  void lose(std::size_t first, std::size_t end) {
    for (; first < end; ++first) world.volumes.store.lose({ObjectKind::volume, ids[first]});
  }
  bool left_over() { return world.volumes.store.contains({ObjectKind::volume, deleted}); }

  World world{6};
  std::vector<Uuid> ids;
  Uuid deleted;
};

TEST_F(ManyVolumesTest, OneThatIsGoneAndOneThatIsStrangeAreSeenByTheNextSweep) {
  lose(4'711, 4'712);
  const Uuid stranger = Uuid::generate(world.clock, world.random);
  ASSERT_TRUE(world.volumes.store.create_volume(stranger, kSize));
  next_sweep();
  EXPECT_THAT(
      audit(),
      AllOf(HasSubstr(R"("kind":"missing-volume","node":"vs1","resource":")" + ids[4'711].str()),
            HasSubstr(R"("kind":"foreign-volume","node":"vs1","resource":")" + stranger.str()),
            HasSubstr(R"("destructive_actions":"allowed")")));
  ASSERT_TRUE(world.volumes.store.create_volume(ids[4'711], kSize));
  world.volumes.store.lose({ObjectKind::volume, stranger});
  next_sweep();
  EXPECT_THAT(audit(), HasSubstr(R"("findings":[])"));
}

TEST_F(ManyVolumesTest, NothingIsRemovedOnceMoreThanOneInTwentyIsGone) {
  constexpr std::size_t kLimit = kVolumes / 20;
  lose(0, kLimit + 1);
  ASSERT_TRUE(world.volumes.store.create_volume(deleted, kSize));
  for (int sweeps = 0; sweeps < 4; ++sweeps) next_sweep();
  EXPECT_THAT(audit(), AllOf(HasSubstr("stopped: node vs1 shows 501 of 10000 objects as gone"),
                             HasSubstr("leftover-volume")));
  EXPECT_TRUE(left_over());

  ASSERT_TRUE(world.volumes.store.create_volume(ids[kLimit], kSize));
  for (int sweeps = 0; sweeps < 4; ++sweeps) next_sweep();
  EXPECT_THAT(audit(), AllOf(HasSubstr(R"("destructive_actions":"allowed")"),
                             Not(HasSubstr("leftover-volume"))));
  EXPECT_FALSE(left_over());
}

}  // namespace
}  // namespace vbs::sim

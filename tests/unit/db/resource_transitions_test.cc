#include "tests/unit/db/support.h"

namespace vbs::db::testing {
namespace {

using ::testing::IsEmpty;

class ResourceTransitionsTest : public DatabaseTest {
 protected:
  Volume volume(unsigned n) {
    return *read([&](Connection& c) { return VolumeTable(c).find(test_id(n)); });
  }
  Snapshot snapshot(unsigned n) {
    return *read([&](Connection& c) { return SnapshotTable(c).find(test_id(n)); });
  }
  Attachment attachment(unsigned n) {
    return *read([&](Connection& c) { return AttachmentTable(c).find(test_id(n)); });
  }
  void add_volume(unsigned n) {
    Volume volume = test_volume(n);
    volume.tags = R"({"k":"v"})";
    add(volume, {{"k", "v"}});
  }
  void add_attachment(unsigned n, unsigned volume, const std::string& device, bool read_only) {
    Attachment attachment = test_attachment(n, test_id(volume), device);
    attachment.read_only = read_only;
    attachment.sealed_secret = "v1:00";
    add(attachment);
  }
  void attach(unsigned n) {
    must([&](Transaction& tx) { return attachment_attached(tx, test_id(n), after_seconds(1)); });
  }
  Result<void> close(unsigned n, const std::string& reason = "detached") {
    return write([&](Transaction& tx) {
      return attachment_closed(tx, test_id(n), reason, after_seconds(2));
    });
  }
  /// Puts volume `n`, which is available, in `state`.
  void bring(unsigned n, VolumeState state) {
    if (state == VolumeState::error) {
      must([&](Transaction& tx) { return volume_error(tx, test_id(n), "lost", kNow); });
    } else if (state == VolumeState::deleted) {
      must([&](Transaction& tx) { return volume_deleted(tx, test_id(n), kNow); });
    } else if (state == VolumeState::in_use) {
      add_attachment(0x1000 + n, n, "/dev/x" + std::to_string(n), false);
      attach(0x1000 + n);
    }
  }
};

TEST_F(ResourceTransitionsTest, VolumesMoveOnlyAsAllowed) {
  using State = VolumeState;
  struct Transition {
    const char* name;
    std::function<Result<void>(Transaction&, const Uuid&)> act;
    std::vector<State> allowed;
    State after;
  };
  const Transition transitions[] = {
      {"available",
       [](Transaction& tx, const Uuid& id) { return volume_available(tx, id, after_seconds(9)); },
       {State::available, State::error},
       State::available},
      {"error",
       [](Transaction& tx, const Uuid& id) {
         return volume_error(tx, id, "why", after_seconds(9));
       },
       {State::available, State::error},
       State::error},
      {"deleted",
       [](Transaction& tx, const Uuid& id) { return volume_deleted(tx, id, after_seconds(9)); },
       {State::available, State::error, State::deleted},
       State::deleted},
  };
  unsigned number = 1;
  for (const auto& transition : transitions) {
    for (auto from : {State::available, State::in_use, State::error, State::deleted}) {
      const unsigned n = number++;
      add_volume(n);
      bring(n, from);
      const auto done = write([&](Transaction& tx) { return transition.act(tx, test_id(n)); });
      const bool allowed = std::ranges::count(transition.allowed, from) == 1;
      EXPECT_EQ(done.has_value(), allowed) << transition.name << " from " << to_string(from);
      EXPECT_EQ(volume(n).state, allowed ? transition.after : from);
      EXPECT_EQ(volume(n).reason.empty(), volume(n).state != State::error);
      if (done) continue;
      EXPECT_EQ(done.error().code, ErrorCode::internal);
    }
    EXPECT_FALSE(write([&](Transaction& tx) { return transition.act(tx, test_id(999)); }));
  }
  EXPECT_FALSE(write([](Transaction& tx) { return volume_error(tx, test_id(1), "", kNow); }));
  EXPECT_THAT(violated(), IsEmpty());
}

TEST_F(ResourceTransitionsTest, DeletingFreesNameQuotaRoomAndTagsOnce) {
  Volume named = test_volume(1);
  named.name = "data";
  named.tags = R"({"k":"v"})";
  add(named, {{"k", "v"}});
  for (int again = 0; again < 2; ++again) {
    must([](Transaction& tx) { return volume_deleted(tx, test_id(1), after_seconds(3)); });
  }
  EXPECT_EQ(volume(1).updated_at, after_seconds(3));
  EXPECT_EQ(volume(1).tags, named.tags);
  read([](Connection& connection) {
    EXPECT_EQ(UsageTable(connection).of_project("p1").volumes, 0);
    EXPECT_EQ(UsageTable(connection).of_project("p1").bytes, 0U);
    EXPECT_EQ(UsageTable(connection).reserved_on("vs1"), 0U);
    EXPECT_FALSE(VolumeTable(connection).find_by_name("p1", "data"));
    return 0;
  });
  EXPECT_THAT(violated(), IsEmpty());
}

/// The intent of a growth as modify-volume writes it.
class GrowthTest : public ResourceTransitionsTest {
 protected:
  static constexpr std::uint64_t kBefore = 64 << 20;
  static constexpr std::uint64_t kMore = 32 << 20;

  void begin_growth(unsigned n) {
    Operation operation = test_operation(100 + n, "modify-volume");
    operation.volume = test_id(n);
    add(operation, {{volume_resource(test_id(n))}});
    must([&](Transaction& tx) -> Result<void> {
      auto reserved = UsageTable(tx.connection()).reserve("p1", "vs1", {0, 0, kMore}, {});
      if (!reserved) return reserved;
      return volume_growing(tx, test_id(n), kBefore + kMore, after_seconds(1));
    });
  }
  std::uint64_t used() {
    return read([](Connection& c) { return UsageTable(c).of_project("p1").bytes; });
  }
  std::uint64_t promised() {
    return read([](Connection& c) { return UsageTable(c).reserved_on("vs1"); });
  }
};

TEST_F(GrowthTest, CountsWhatIsWantedFromTheIntentOn) {
  add_volume(1);
  begin_growth(1);
  EXPECT_EQ(volume(1).size_bytes, kBefore);
  EXPECT_EQ(volume(1).wanted_bytes, kBefore + kMore);
  EXPECT_EQ(used(), kBefore + kMore);
  EXPECT_THAT(violated(), IsEmpty());
  for (int again = 0; again < 2; ++again)
    must([](Transaction& tx) { return volume_grown(tx, test_id(1), after_seconds(2)); });
  EXPECT_EQ(volume(1).size_bytes, kBefore + kMore);
  EXPECT_EQ(volume(1).wanted_bytes, std::nullopt);
  EXPECT_EQ(volume(1).updated_at, after_seconds(2));
  EXPECT_EQ(promised(), kBefore + kMore);
  EXPECT_THAT(violated(), IsEmpty());
}

TEST_F(GrowthTest, GivesBackWhatItDidNotTake) {
  add_volume(1);
  begin_growth(1);
  for (int again = 0; again < 2; ++again)
    must([](Transaction& tx) { return volume_not_grown(tx, test_id(1), after_seconds(2)); });
  EXPECT_EQ(volume(1).size_bytes, kBefore);
  EXPECT_EQ(volume(1).wanted_bytes, std::nullopt);
  EXPECT_EQ(used(), kBefore);
  EXPECT_EQ(promised(), kBefore);
  EXPECT_THAT(violated(), IsEmpty());
}

TEST_F(GrowthTest, IsForVolumesAtRestAndNeverShrinks) {
  add_volume(1);
  bring(1, VolumeState::in_use);
  begin_growth(1);
  const auto grow = [&](unsigned n, std::uint64_t wanted) {
    return write([&](Transaction& tx) { return volume_growing(tx, test_id(n), wanted, kNow); });
  };
  EXPECT_FALSE(grow(1, kBefore + 2 * kMore)) << "it is growing already";
  add_volume(2);
  EXPECT_FALSE(grow(2, kBefore));
  EXPECT_FALSE(grow(2, kBefore - kMore));
  bring(2, VolumeState::error);
  EXPECT_FALSE(grow(2, kBefore + kMore));
  EXPECT_FALSE(grow(9, kBefore + kMore));
  EXPECT_FALSE(write([](Transaction& tx) { return volume_grown(tx, test_id(9), kNow); }));
  EXPECT_FALSE(write([](Transaction& tx) { return volume_not_grown(tx, test_id(9), kNow); }));
}

TEST_F(GrowthTest, WhatIsGrowingIsNotDeleted) {
  add_volume(1);
  begin_growth(1);
  const auto remove = [](Transaction& tx) { return volume_deleted(tx, test_id(1), kNow); };
  EXPECT_FALSE(write(remove));
  must([](Transaction& tx) { return volume_grown(tx, test_id(1), kNow); });
  EXPECT_TRUE(write(remove));
  EXPECT_EQ(used(), 0U);
}

TEST_F(ResourceTransitionsTest, AVolumeWithAReservedAttachmentIsNotDeleted) {
  add_volume(1);
  add_attachment(11, 1, "/dev/sdb", false);
  EXPECT_FALSE(write([](Transaction& tx) { return volume_deleted(tx, test_id(1), kNow); }));
  ASSERT_TRUE(close(11));
  EXPECT_TRUE(write([](Transaction& tx) { return volume_deleted(tx, test_id(1), kNow); }));
}

TEST_F(ResourceTransitionsTest, SnapshotsMoveOnlyAsAllowed) {
  add_volume(1);
  Snapshot row = test_snapshot(11, test_id(1));
  row.state = SnapshotState::error;
  row.reason = "not finished";
  row.tags = R"({"k":"v"})";
  add(row, {{"k", "v"}});
  const auto available = [](Transaction& tx) {
    return snapshot_available(tx, test_id(11), after_seconds(1));
  };
  const auto error = [](Transaction& tx) {
    return snapshot_error(tx, test_id(11), "lost", after_seconds(2));
  };
  const auto deleted = [](Transaction& tx) {
    return snapshot_deleted(tx, test_id(11), after_seconds(3));
  };
  must(available);
  EXPECT_EQ(snapshot(11).state, SnapshotState::available);
  EXPECT_EQ(snapshot(11).reason, "");
  must(error);
  EXPECT_EQ(snapshot(11).state, SnapshotState::error);
  EXPECT_EQ(snapshot(11).reason, "lost");
  must(deleted);
  must(deleted);
  EXPECT_EQ(snapshot(11).state, SnapshotState::deleted);
  EXPECT_FALSE(write(available));
  EXPECT_FALSE(write(error));
  EXPECT_FALSE(write([](Transaction& tx) { return snapshot_error(tx, test_id(11), "", kNow); }));
  EXPECT_FALSE(write([](Transaction& tx) { return snapshot_deleted(tx, test_id(12), kNow); }));
  EXPECT_EQ(read([](Connection& c) { return UsageTable(c).of_project("p1").snapshots; }), 0);
}

TEST_F(ResourceTransitionsTest, AnAttachmentsLifeMovesItsVolume) {
  add_volume(1);
  add_attachment(11, 1, "/dev/sdb", false);
  EXPECT_EQ(volume(1).state, VolumeState::available);
  attach(11);
  EXPECT_EQ(attachment(11).state, AttachmentState::attached);
  EXPECT_EQ(volume(1).state, VolumeState::in_use);
  EXPECT_FALSE(write([](Transaction& tx) { return attachment_attached(tx, test_id(11), kNow); }));
  ASSERT_TRUE(close(11, "detached by alice"));
  EXPECT_EQ(attachment(11).state, AttachmentState::closed);
  EXPECT_EQ(attachment(11).reason, "detached by alice");
  EXPECT_TRUE(attachment(11).sealed_secret.empty());
  EXPECT_EQ(volume(1).state, VolumeState::available);
  ASSERT_TRUE(close(11, "again"));
  EXPECT_EQ(attachment(11).reason, "detached by alice");
  EXPECT_FALSE(write([](Transaction& tx) { return attachment_attached(tx, test_id(11), kNow); }));
  EXPECT_FALSE(close(12));
}

TEST_F(ResourceTransitionsTest, AVolumeStaysInUseUntilItsLastAttachmentCloses) {
  add_volume(1);
  for (unsigned n : {11U, 12U, 13U}) add_attachment(n, 1, "/dev/sd" + std::to_string(n), true);
  attach(11);
  attach(12);
  ASSERT_TRUE(close(11));
  EXPECT_EQ(volume(1).state, VolumeState::in_use);
  ASSERT_TRUE(close(12));
  // The third is only reserved: nothing shows the volume.
  EXPECT_EQ(volume(1).state, VolumeState::available);
  attach(13);
  EXPECT_EQ(volume(1).state, VolumeState::in_use);
}

TEST_F(ResourceTransitionsTest, AVolumeInErrorIsNotShown) {
  add_volume(1);
  add_attachment(11, 1, "/dev/sdb", false);
  bring(1, VolumeState::error);
  EXPECT_FALSE(write([](Transaction& tx) { return attachment_attached(tx, test_id(11), kNow); }));
  EXPECT_EQ(attachment(11).state, AttachmentState::reserved);
  ASSERT_TRUE(close(11));
  EXPECT_EQ(volume(1).state, VolumeState::error);
}

}  // namespace
}  // namespace vbs::db::testing

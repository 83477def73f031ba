// The front starts on a database that the programs of an earlier schema version left in the middle
// of their work (tests/tools/keep_database.py), and carries it to its end.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "common/file.h"
#include "common/secret.h"
#include "db/migrations.h"
#include "db/operation_table.h"
#include "tests/sim/world.h"

namespace vbs::sim {
namespace {

using http::Method;
using testing::HasSubstr;
using testing::IsEmpty;

class OldDatabasesTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    world.kill_front();
    const std::string& path = world.settings.database;
    for (const char* suffix : {"-wal", "-shm", ".key"}) std::filesystem::remove(path + suffix);
    char name[16];
    std::snprintf(name, sizeof(name), "%04d.db", GetParam());
    const std::string kept = VBS_SOURCE_DIR "/tests/old_databases/" + std::string(name);
    ASSERT_TRUE(write_file_durably(path, *read_file(kept), 0600));
    const auto key = read_file(kept + ".key");
    ASSERT_TRUE(!key || write_file_durably(path + ".key", *key, 0600));
    world.tokens = "admin admin default " + sha256_hex("token") + "\n";
    look_into(path);
  }

  /// Notes the rows, and gives the nodes what they say that is there.
  void look_into(const std::string& path) {
    auto opened = db::Database::open({path, db::WriteMode::inline_, 1});
    ASSERT_TRUE(opened) << describe(opened.error());
    const auto read = (*opened)->read([this](db::Connection& connection) {
      live = db::OperationTable(connection).live();
      volumes = db::VolumeTable(connection).on_node("vs1");
      snapshots = db::SnapshotTable(connection).on_node("vs1");
      attachments = db::AttachmentTable(connection).open_on_vmm("hv1");
      return true;
    });
    ASSERT_TRUE(read);
    for (const db::Attachment& row : attachments)
      world.vmm.hypervisor.add_vm(row.vm, true, row.vm_uuid);
    WallTime last{};
    for (const db::Operation& operation : live) last = std::max(last, operation.updated_at);
    world.clock.move_wall(std::chrono::duration_cast<Milliseconds>(last - world.clock.wall()));
    auto& store = world.volumes.store;
    for (const db::Volume& row : volumes) {
      if (is_made(row.id)) continue;
      ASSERT_TRUE(store.create_volume(row.id, row.size_bytes));
    }
    for (const db::Snapshot& row : snapshots) {
      if (is_made(row.id)) continue;
      auto prepared = store.prepare_snapshot(row.id, row.volume);
      volume_delegate::CopyControl control;
      ASSERT_TRUE(prepared && (*prepared)->run(control));
    }
  }

  /// Whether an operation that is live works on it.
  bool is_held(const Uuid& id) const {
    return std::any_of(live.begin(), live.end(), [&](const db::Operation& operation) {
      return operation.volume == id || operation.snapshot == id;
    });
  }
  bool is_made(const Uuid& id) const {
    return std::any_of(live.begin(), live.end(), [&](const db::Operation& operation) {
      return (operation.kind == "create-volume" && operation.volume == id) ||
             (operation.kind == "create-snapshot" && operation.snapshot == id);
    });
  }
  http::Response ask(Method method, const std::string& path, const std::string& body = "",
                     const std::string& key = "") {
    auto request = World::request(method, path, body, "token");
    if (!key.empty()) request.headers.set("Idempotency-Key", key);
    return *world.carry_out(std::move(request)).response;
  }

  World world{9};
  std::vector<db::Operation> live;
  std::vector<db::Volume> volumes;
  std::vector<db::Snapshot> snapshots;
  std::vector<db::Attachment> attachments;
};

TEST_P(OldDatabasesTest, WhatWasLiveGoesOnToRestAndTheRestIsAsItWas) {
  ASSERT_GE(live.size(), 6u);
  world.start_front();
  ASSERT_TRUE(world.settle());
  // Its devices and exports are gone, as after a power cut of the nodes; the reconciler presents
  // them.
  world.time.run_for(Milliseconds(60'000));
  ASSERT_TRUE(world.settle());
  EXPECT_THAT(world.disagreements(), IsEmpty());
  for (const db::Attachment& row : world.attachments())
    EXPECT_EQ(row.vm_uuid, world.vmm.hypervisor.vm(row.vm)->uuid);

  for (const db::Operation& operation : live) {
    const std::string body = ask(Method::get, "/v1/operations/" + operation.id.str()).body;
    const bool undone = operation.state == db::OperationState::undoing;
    EXPECT_THAT(body, HasSubstr(undone ? R"("state":"cancelled")" : R"("state":"succeeded")"))
        << operation.kind;
  }
  for (const db::Volume& row : volumes) {
    if (is_held(row.id)) continue;
    const std::string body = ask(Method::get, "/v1/volumes/" + row.id.str()).body;
    EXPECT_THAT(body, HasSubstr(R"("name":")" + row.name.value_or("") + "\""));
    EXPECT_THAT(body, HasSubstr(R"("size_bytes":)" + std::to_string(row.size_bytes)));
    const bool broken = row.state == db::VolumeState::error;
    EXPECT_EQ(broken, body.find(R"("state":"error")") != std::string::npos) << body;
    EXPECT_EQ(broken, body.find("kept in error") != std::string::npos) << body;
  }
  for (const db::Snapshot& row : snapshots)
    EXPECT_EQ(ask(Method::get, "/v1/snapshots/" + row.id.str()).status, 200u);
}

TEST_P(OldDatabasesTest, AKeyThatWasUsedIsKnown) {
  world.start_front();
  ASSERT_TRUE(world.settle());
  const auto again =
      ask(Method::post, "/v1/volumes", R"({"size_bytes": 1048576, "name": "keyed"})", "kept");
  EXPECT_EQ(again.status, 200u) << again.body;
  EXPECT_THAT(again.body, HasSubstr(R"("name":"keyed")"));
  const auto other = ask(Method::post, "/v1/volumes", R"({"size_bytes": 2097152})", "kept");
  EXPECT_EQ(other.status, 409u) << other.body;
}

INSTANTIATE_TEST_SUITE_P(Schema, OldDatabasesTest,
                         testing::Range(1, static_cast<int>(db::known_migrations().size()) + 1));

}  // namespace
}  // namespace vbs::sim

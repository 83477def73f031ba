// What the reconciler does about worlds that differ from the rows, and what it leaves alone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "db/transitions.h"
#include "tests/sim/world.h"

namespace vbs::sim {
namespace {

using http::Method;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using volume_delegate::ObjectKind;

class ReconcileTest : public testing::Test {
 protected:
  std::string get(const std::string& path) {
    return world.carry_out(Method::get, path).response->body;
  }
  std::string audit() { return get("/v1/audit"); }
  void run_seconds(std::int64_t seconds) { world.time.run_for(Milliseconds(1000 * seconds)); }
  volume_delegate::ObjectRef volume(const std::string& id) {
    return {ObjectKind::volume, *Uuid::parse(id)};
  }
  http::Response answer(unsigned status, const std::string& body) {
    return http::json(status, body);
  }

  void put_back(const std::string& copy) {
    world.kill_front();
    for (const char* suffix : {"", "-wal", "-shm"})
      ::unlink((world.settings.database + suffix).c_str());
    ASSERT_EQ(::rename(copy.c_str(), world.settings.database.c_str()), 0);
    world.start_front();
  }

  World world{5};
};

TEST_F(ReconcileTest, NothingIsRemovedWhileANodeShowsTooLittle) {
  std::vector<std::string> ids;
  for (int i = 0; i < 8; ++i) ids.push_back(world.create_volume());
  const std::string leftover = world.create_volume();
  world.carry_out(Method::del, "/v1/volumes/" + leftover);
  const auto lose = [&](std::size_t number) {
    world.volumes.store.lose(volume(ids[number]));
    world.volumes.store.lose(volume(leftover));
    ASSERT_TRUE(world.volumes.store.create_volume(*Uuid::parse(leftover), 1 << 20));
    run_seconds(60);
  };
  // Of a few volumes one is more than one in twenty: fewer than five are believed.
  for (std::size_t i = 0; i < 4; ++i) {
    lose(i);
    EXPECT_THAT(audit(), AllOf(HasSubstr(R"("destructive_actions":"allowed")"),
                               HasSubstr("missing-volume"), Not(HasSubstr("leftover-volume"))));
    EXPECT_FALSE(world.volumes.store.contains(volume(leftover)));
  }
  lose(4);
  EXPECT_THAT(audit(), AllOf(HasSubstr("stopped: node vs1 shows 5 of 8 objects as gone"),
                             HasSubstr("missing-volume"), HasSubstr("leftover-volume"),
                             HasSubstr("not removed: node vs1 shows 5 of 8 objects as gone")));
  EXPECT_TRUE(world.volumes.store.contains(volume(leftover)));

  // Once the volumes are back, what is left over goes.
  for (std::size_t i = 0; i < 5; ++i)
    ASSERT_TRUE(world.volumes.store.create_volume(*Uuid::parse(ids[i]), 1 << 20));
  run_seconds(60);
  EXPECT_FALSE(world.volumes.store.contains(volume(leftover)));
  EXPECT_THAT(audit(), HasSubstr(R"("destructive_actions":"allowed")"));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(ReconcileTest, WhatIsBeingMadeIsNotMissing) {
  world.network.set_intercept([&](const api::DelegateCall& call) -> std::optional<http::Response> {
    if (call.method != Method::put) return std::nullopt;
    return http::problem({ErrorCode::overloaded, "not now", {}, {}, {}});
  });
  for (int i = 0; i < 8; ++i) world.send(Method::post, "/v1/volumes", R"({"size_bytes":1048576})");
  run_seconds(30);
  const auto shown = world.send(Method::get, "/v1/audit");
  run_seconds(1);
  EXPECT_THAT(shown->response->body, HasSubstr(R"("destructive_actions":"allowed")"));
  world.network.set_intercept({});
  EXPECT_TRUE(world.settle());
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(ReconcileTest, DevicesOfVmsCountToo) {
  std::vector<std::string> attachments;
  for (int i = 0; i < 6; ++i) attachments.push_back(world.attach(world.create_volume()));
  for (std::size_t i = 0; i < 5; ++i)
    ASSERT_TRUE(world.vmm.hypervisor.detach("vm1", *Uuid::parse(attachments[i])));
  world.vmm.hypervisor.set_fault([](std::string_view call, bool) -> std::optional<Error> {
    if (call != "attach") return std::nullopt;
    return Error{ErrorCode::internal, "no", {}, {}, {}};
  });
  const auto stopped = [&] {
    const auto shown = world.send(Method::get, "/v1/audit");
    run_seconds(1);
    return shown->response->body.find("node hv1 shows 5 of 6 objects as gone") != std::string::npos;
  };
  EXPECT_TRUE(world.time.run_until(stopped, Milliseconds(30'000)));
  world.vmm.hypervisor.set_fault({});
  run_seconds(1200);
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

// A disk that only the saved definition of a VM has would be back when the VM starts, and keep it
// from starting.
TEST_F(ReconcileTest, ADiskInTheDefinitionOfAVmThatIsOffGoesToo) {
  const std::string id = world.create_volume();
  const std::string closed = world.attach(id);
  const std::string path = "/v1/volumes/" + id + "/attachments/" + closed;
  ASSERT_EQ(world.carry_out(Method::del, path).status(), 202u);
  const std::string open = world.attach(id);
  world.vmm.hypervisor.set_state("vm1", "off");
  bool removed = false;
  world.network.set_rewrite([&](const api::DelegateCall& call) {
    std::optional<Result<http::Response>> other;
    if (call.node != "hv1") return other;
    if (call.path == "/v1/devices/" + closed) removed = true;
    if (call.path != "/v1/inventory") return other;
    wire::VmmInventory inventory{{{"vm1", "off", false}, {"vm2", "running", false}}, {}, {}, {}};
    inventory.devices.push_back({*Uuid::parse(open), "vm1", id, "detaching", false, {}, {}, 0});
    if (!removed)
      inventory.devices.push_back({*Uuid::parse(closed), "vm1", id, "detaching", false, {}, {}, 0});
    json::Writer out;
    inventory.to_json(out);
    other = answer(200, out.take());
    return other;
  });
  run_seconds(15);
  EXPECT_THAT(audit(), AllOf(HasSubstr("leftover-device"), HasSubstr("vm-off")));
  run_seconds(60);
  EXPECT_TRUE(removed);
  EXPECT_THAT(audit(), AllOf(Not(HasSubstr("leftover-device")), HasSubstr("vm-off")));
  EXPECT_THAT(world.network.arrived(), Not(testing::Contains("DELETE hv1 /v1/devices/" + open)));
}

// A name is no proof: what was given to one VM is nothing for the next that is called so.
TEST_F(ReconcileTest, AnotherVmOfTheNameIsNotGivenTheVolume) {
  const std::string id = world.create_volume();
  const std::string attachment = world.attach(id);
  world.vmm.hypervisor.add_vm("vm1", true);
  run_seconds(60);
  EXPECT_THAT(audit(), AllOf(HasSubstr("other-vm"), HasSubstr("allowed")));
  EXPECT_TRUE(world.vmm.hypervisor.look("vm1")->devices.empty());
  EXPECT_THAT(get("/v1/operations?kind=repair-attachment"), Not(HasSubstr("repair-attachment")));
  EXPECT_THAT(world.disagreements(), IsEmpty());

  const std::string path = "/v1/volumes/" + id + "/attachments/" + attachment;
  EXPECT_EQ(world.carry_out(Method::del, path).status(), 202u);
  const std::string again = world.attach(id);
  EXPECT_NE(world.vmm.hypervisor.look("vm1")->find(*Uuid::parse(again)), nullptr);
  run_seconds(60);
  EXPECT_THAT(audit(), Not(HasSubstr("other-vm")));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(ReconcileTest, SaysInWhichVmADeviceIsAndOfWhichNothingIsKnown) {
  const std::string attachment = world.attach(world.create_volume());
  world.vmm.hypervisor.rename_vm("vm1", "renamed");
  world.vmm.hypervisor.add_vm("vm1", true);
  run_seconds(60);
  EXPECT_THAT(audit(), AllOf(HasSubstr("device-in-other-vm"), HasSubstr("shows in VM renamed")));
  EXPECT_TRUE(world.vmm.hypervisor.look("vm1")->devices.empty());
  world.vmm.hypervisor.remove_vm("vm1");
  world.vmm.hypervisor.rename_vm("renamed", "vm1");
  run_seconds(60);
  world.vmm.hypervisor.set_state("vm1", "unknown");
  run_seconds(60);
  EXPECT_THAT(audit(), AllOf(HasSubstr("vm-unknown"), Not(HasSubstr("missing-device"))));
  world.vmm.hypervisor.set_state("vm1", "running");
  run_seconds(60);
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

// QEMU shows a reader no other size: somebody must be told, and nothing be tried again and again.
TEST_F(ReconcileTest, AReaderThatCannotBeShownItsSizeIsForAPerson) {
  const std::string volume = "/v1/volumes/" + world.create_volume();
  const std::string reader = R"({"read_only":true,"vm":"vm1"})";
  const auto size = [&] { return world.vmm.hypervisor.look("vm1")->devices.front().size_bytes; };
  const std::string attachment =
      world.carry_out(Method::post, volume + "/attachments", reader).member("attachment", "id");
  world.carry_out(Method::patch, volume, R"({"size_bytes":4194304})");
  EXPECT_THAT(get("/v1/operations?kind=modify-volume"),
              AllOf(HasSubstr(R"("state":"succeeded")"), HasSubstr("may still see the old size")));
  run_seconds(900);
  EXPECT_EQ(size(), 1u << 20);
  EXPECT_THAT(get("/v1/operations?kind=repair-attachment"), Not(HasSubstr("repair-attachment")));
  EXPECT_THAT(audit(), AllOf(HasSubstr("stale-size"), HasSubstr("attach it again")));
  world.carry_out(Method::del, volume + "/attachments/" + attachment);
  world.carry_out(Method::post, volume + "/attachments", reader);
  EXPECT_EQ(size(), 4u << 20);
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(ReconcileTest, AnInventoryThatIsNoneIsAFinding) {
  for (const char* nonsense : {"<html>", R"({"volumes":7})", "[]", ""}) {
    world.network.set_intercept(
        [&](const api::DelegateCall& call) -> std::optional<http::Response> {
          if (call.path != "/v1/inventory" || call.node != "vs1") return std::nullopt;
          return answer(200, nonsense);
        });
    run_seconds(30);
    EXPECT_THAT(audit(), AllOf(HasSubstr(R"("kind":"inventory-unusable","node":"vs1")"),
                               HasSubstr("its inventory cannot be used")))
        << nonsense;
  }
  world.network.set_intercept({});
  run_seconds(30);
  EXPECT_THAT(audit(), HasSubstr(R"("findings":[])"));
}

TEST_F(ReconcileTest, ALostSnapshotIsInErrorAndNoSource) {
  const std::string volume = world.create_volume();
  const auto made =
      world.carry_out(Method::post, "/v1/snapshots", R"({"volume_id":")" + volume + R"("})");
  ASSERT_EQ(202u, made.status()) << made.response->body;
  const std::string list = get("/v1/snapshots");
  const std::string id = list.substr(list.find(R"("id":")") + 6, 36);
  EXPECT_THAT(get("/v1/snapshots/" + id), HasSubstr(R"("state":"available")"));
  world.volumes.store.spoil(*Uuid::parse(id));
  run_seconds(60);
  EXPECT_THAT(get("/v1/snapshots/" + id),
              AllOf(HasSubstr(R"("state":"error")"), HasSubstr("is lost")));
  const auto copy = world.carry_out(
      Method::post, "/v1/volumes",
      R"({"size_bytes":1048576,"source":{"type":"snapshot","id":")" + id + R"("}})");
  EXPECT_EQ(409u, copy.status()) << copy.response->body;
  EXPECT_EQ(202u, world.carry_out(Method::del, "/v1/snapshots/" + id).status());
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(ReconcileTest, ARepairThatFailsLeavesTimeForOthers) {
  const std::string id = world.create_volume();
  const std::string attachment = world.attach(id);
  ASSERT_TRUE(world.vmm.hypervisor.detach("vm1", *Uuid::parse(attachment)));
  world.vmm.hypervisor.set_fault([](std::string_view call, bool) -> std::optional<Error> {
    if (call != "attach") return std::nullopt;
    return Error{ErrorCode::internal, "the bus is full", {}, {}, {}};
  });
  const auto repairs = [&] {
    const std::string list = get("/v1/operations?kind=repair-attachment");
    std::size_t count = 0;
    for (auto at = list.find("\"id\""); at != std::string::npos; at = list.find("\"id\"", at + 1))
      ++count;
    return count;
  };
  run_seconds(600);
  const std::size_t first = repairs();
  EXPECT_GE(first, 2u);
  EXPECT_LE(first, 6u);
  run_seconds(3600);
  EXPECT_LE(repairs() - first, 11u);  // each takes a minute, and five pass before the next
  EXPECT_GE(repairs() - first, 8u);
  // Whoever tries again now and then is served soon.
  int refused = 0;
  World::Answer detached;
  for (; refused < 10 && detached.status() != 202; ++refused) {
    detached = world.carry_out(Method::del, "/v1/volumes/" + id + "/attachments/" + attachment);
    run_seconds(10);
  }
  EXPECT_EQ(detached.status(), 202u);
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(ReconcileTest, ARestoredDatabaseIsObeyed) {
  const std::string id = world.create_volume();
  const std::string attachment = world.attach(id);
  const std::string copy = world.folder.path("copy.db");
  ASSERT_TRUE(db::Database::backup(world.settings.database, copy));
  // What the delegates saw since, the copy does not know.
  const std::string path = "/v1/volumes/" + id + "/attachments/";
  for (int i = 0; i < 3; ++i) world.create_volume();
  ASSERT_EQ(world.carry_out(Method::del, path + attachment).status(), 202u);
  put_back(copy);
  run_seconds(120);  // the attachment of the copy is made again
  const std::string shown = audit();
  EXPECT_THAT(shown, AllOf(HasSubstr("foreign-volume"), HasSubstr("is left alone")));
  EXPECT_THAT(shown, Not(HasSubstr("missing-")));
  EXPECT_EQ(world.carry_out(Method::del, path + attachment).status(), 202u);
  EXPECT_FALSE(world.attach(id).empty());
  EXPECT_THAT(get("/v1/volumes/" + id), HasSubstr(R"("state":"in-use")"));
}

TEST_F(ReconcileTest, WhatWasUnderWayInARestoredDatabaseEnds) {
  const std::string id = world.create_volume();
  const std::string path = "/v1/volumes/" + id + "/attachments";
  const std::int64_t events = world.rows("operation_events");
  const auto answer = world.send(Method::post, path, R"({"vm":"vm1"})");
  ASSERT_TRUE(world.time.run_until([&] { return world.rows("operation_events") > events + 1; },
                                   Milliseconds(10'000)));
  ASSERT_FALSE(world.at_rest());
  const std::string copy = world.folder.path("copy.db");
  ASSERT_TRUE(db::Database::backup(world.settings.database, copy));
  ASSERT_TRUE(world.settle());
  // Mended since, so that the delegates have seen orders that the copy does not know.
  const std::string attachment = answer->member("attachment", "id");
  world.vmm.hypervisor.set_state("vm1", "off");
  run_seconds(15);
  world.vmm.hypervisor.set_state("vm1", "running");
  run_seconds(15);
  ASSERT_THAT(get("/v1/operations?kind=repair-attachment"), HasSubstr(R"("state":"succeeded")"));
  put_back(copy);
  ASSERT_TRUE(world.settle());
  EXPECT_THAT(get("/v1/operations/" + answer->member("operation", "id")),
              HasSubstr(R"("state":"succeeded")"));
  EXPECT_EQ(world.carry_out(Method::del, path + "/" + attachment).status(), 202u);
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(ReconcileTest, WhatIsGoneIsForgottenInTime) {
  world.kill_front();
  world.settings.operations_kept = Milliseconds(3'600'000);
  world.settings.idempotency_kept = Milliseconds(1'800'000);
  world.settings.sweep_interval = world.settings.node_poll_interval = Milliseconds(60'000);
  world.start_front();
  run_seconds(1);
  const std::string body = R"({"size_bytes":1048576})";
  const auto first = world.carry_out(Method::post, "/v1/volumes", body, "k");
  const std::string id = first.member("volume", "id");
  const std::string attachment = world.attach(id);
  world.carry_out(Method::del, "/v1/volumes/" + id + "/attachments/" + attachment);
  world.carry_out(Method::del, "/v1/volumes/" + id);
  EXPECT_EQ(world.rows("volumes"), 1);
  EXPECT_EQ(world.rows("attachments"), 1);

  run_seconds(1'200);
  const auto again = world.carry_out(Method::post, "/v1/volumes", body, "k");
  EXPECT_EQ(again.member("operation", "id"), first.member("operation", "id"));
  run_seconds(1'200);  // the key is forgotten now: the request makes a volume of its own
  const auto fresh = world.carry_out(Method::post, "/v1/volumes", body, "k");
  EXPECT_NE(fresh.member("operation", "id"), first.member("operation", "id"));
  EXPECT_EQ(world.rows("volumes"), 2);
  run_seconds(1'800);
  EXPECT_EQ(world.rows("volumes"), 1);
  EXPECT_EQ(world.rows("attachments"), 0);
  EXPECT_EQ(world.rows("operations"), 1);
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(ReconcileTest, ForgettingKeepsUpHoweverMuchThereIs) {
  world.kill_front();
  {
    auto database = db::Database::open({world.settings.database, db::WriteMode::inline_, 1});
    ASSERT_TRUE(database);
    fakes::SimExecutor executor(world.time, [](const Task& task) { task(); });
    auto fill = [&](db::Transaction& tx) -> Result<void> {
      for (int i = 0; i < 1'700; ++i) {
        db::Volume row;
        row.id = Uuid::generate(world.clock, world.random);
        row.project = "default";
        row.node = "vs1";
        row.size_bytes = 1 << 20;
        row.state = db::VolumeState::available;
        row.created_at = row.updated_at = world.clock.wall();
        db::VolumeTable(tx.connection()).insert(row, {});
        if (auto ok = db::UsageTable(tx.connection())
                          .reserve(row.project, row.node, {1, 0, row.size_bytes}, {});
            !ok)
          return ok;
        if (auto ok = db::volume_deleted(tx, row.id, world.clock.wall()); !ok) return ok;
      }
      return {};
    };
    (*database)->write(
        std::move(fill), [](const Result<void>& ok) { EXPECT_TRUE(ok); }, executor);
    run_seconds(1);
  }
  world.settings.operations_kept = Milliseconds(500);
  world.start_front();
  run_seconds(2);  // the first sweep
  EXPECT_EQ(world.rows("volumes"), 0);
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

}  // namespace
}  // namespace vbs::sim

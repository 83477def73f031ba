// What a volume server does by itself: watching the target daemon, inventory, its own state.

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/unit/volume_delegate/server_support.h"

namespace vbs::volume_delegate {
namespace {

using testing::id;

class VolumeServerTest : public testing::ServerTest {
 protected:
  void SetUp() override {
    ASSERT_EQ("200", said(put(volume(1), blank(10))));
    ASSERT_EQ("200", said(put(export_of(7), order({}))));
  }
  wire::VolumeServerInventory inventory() {
    return read<wire::VolumeServerInventory>(get("/v1/inventory"));
  }
  wire::NodeStatus node() { return read<wire::NodeStatus>(get("/v1/node")); }
  bool can_log_in() {
    return target_.log_in(iqn(7), "iqn.2026-01.host:1", "user1", "secretsecret12");
  }
};

TEST_F(VolumeServerTest, SaysWhoItIs) {
  const auto status = node();
  EXPECT_EQ("vs1", status.name);
  EXPECT_EQ("volume-server", status.role);
  EXPECT_EQ("fake+fake", status.driver);
  EXPECT_EQ(VBS_VERSION, status.version);
  EXPECT_EQ(1000 * kMiB, status.capacity_bytes);
  EXPECT_EQ(10 * kMiB, status.reserved_bytes);
  EXPECT_FALSE(status.snapshots_need_volume);
  EXPECT_TRUE(status.healthy);
  EXPECT_EQ("", status.problem);
}

TEST_F(VolumeServerTest, IsAliveWithoutADaemon) {
  target_.kill_daemon();
  EXPECT_EQ("200", said(get("/healthz")));
}

TEST_F(VolumeServerTest, EveryRouteIsInTheTable) {
  std::set<std::string> routes;
  for (const auto& route : router_.routes()) {
    routes.insert(std::string(to_string(route.method)) + " " + route.pattern);
  }
  const std::set<std::string> expected = {"GET /healthz",
                                          "GET /v1/node",
                                          "GET /v1/inventory",
                                          "PUT /v1/volumes/{id}",
                                          "GET /v1/volumes/{id}",
                                          "DELETE /v1/volumes/{id}",
                                          "PUT /v1/snapshots/{id}",
                                          "GET /v1/snapshots/{id}",
                                          "DELETE /v1/snapshots/{id}",
                                          "PUT /v1/exports/{id}",
                                          "GET /v1/exports/{id}",
                                          "DELETE /v1/exports/{id}",
                                          "PUT /v1/volumes/{id}/size",
                                          "PUT /v1/exports/{id}/size"};
  EXPECT_EQ(expected, routes);
}

TEST_F(VolumeServerTest, RebuildsEveryExportAfterTheDaemonDied) {
  ASSERT_EQ("200", said(put(volume(2), blank(10))));
  ASSERT_EQ("200", said(put(export_of(8), order({.volume = 2, .user = "user8"}))));
  const auto numbers = std::pair(exports_->find(id(7))->number, exports_->find(id(8))->number);
  target_.kill_daemon();
  EXPECT_FALSE(read<wire::ExportStatus>(get(export_of(7))).active);
  server_->tend();
  EXPECT_TRUE(read<wire::ExportStatus>(get(export_of(7))).active);
  EXPECT_TRUE(read<wire::ExportStatus>(get(export_of(8))).active);
  EXPECT_EQ(numbers, std::pair(exports_->find(id(7))->number, exports_->find(id(8))->number))
      << "an initiator that reconnects finds the same identity";
}

TEST_F(VolumeServerTest, RebuildsAfterItsOwnCrash) {
  target_.kill_daemon();
  restart();
  EXPECT_TRUE(can_log_in());
}

TEST_F(VolumeServerTest, HealsWhatSomebodyChangedByHand) {
  target_.delete_target(iqn(7));
  EXPECT_FALSE(can_log_in());
  let_time_pass();
  EXPECT_TRUE(can_log_in());
  target_.drop_rules(iqn(7));
  let_time_pass();
  EXPECT_TRUE(can_log_in());
}

TEST_F(VolumeServerTest, DoesNotBringBackWhatIsGone) {
  ASSERT_EQ("204", said(del(export_of(7) + "?generation=3")));
  target_.kill_daemon();
  let_time_pass();
  EXPECT_FALSE(can_log_in());
  EXPECT_TRUE(inventory().exports.empty());
}

TEST_F(VolumeServerTest, OneExportThatCannotBeServedDoesNotHinderOthers) {
  ASSERT_EQ("200", said(put(volume(2), blank(10))));
  ASSERT_EQ("200", said(put(export_of(6), order({.volume = 2, .user = "user6"}))));
  target_.kill_daemon();
  int calls = 0;
  target_.set_fault([&calls](const std::string& call) -> Result<void> {
    if (call == "apply" && ++calls == 1) return fail(ErrorCode::internal, "no such device");
    return {};
  });
  server_->tend();
  EXPECT_FALSE(read<wire::ExportStatus>(get(export_of(6))).active);
  EXPECT_TRUE(read<wire::ExportStatus>(get(export_of(7))).active);
  let_time_pass();
  EXPECT_TRUE(read<wire::ExportStatus>(get(export_of(6))).active);
}

TEST_F(VolumeServerTest, SaysWhatIsWrongWithTheDaemonAndRecovers) {
  target_.kill_daemon();
  target_.set_start_problem("port 3260 is taken; `ss -ltnp` shows by whom");
  server_->tend();
  EXPECT_FALSE(node().healthy);
  EXPECT_NE(std::string::npos, node().problem.find("3260"));
  target_.set_start_problem("");
  server_->tend();
  EXPECT_TRUE(node().healthy);
  EXPECT_TRUE(can_log_in());
}

TEST_F(VolumeServerTest, ADaemonKnownToHangIsNotWaitedFor) {
  int asked = 0;
  target_.set_fault([&asked](const std::string& call) -> Result<void> {
    if (call != "ensure_running") ++asked;
    return fail(ErrorCode::timeout, "the daemon does not answer");
  });
  server_->tend();
  EXPECT_EQ("503 node-unavailable", said(put(export_of(7), order({}))));
  EXPECT_EQ("503 node-unavailable", said(del(export_of(7) + "?generation=3&revoke=true")));
  EXPECT_EQ("503 node-unavailable", said(get(export_of(7)))) << "nobody knows what it serves";
  EXPECT_EQ("503 node-unavailable", said(get("/v1/inventory")));
  EXPECT_EQ(0, asked) << "each call would hold a thread for seconds";
  target_.set_fault(nullptr);
  server_->tend();
  EXPECT_TRUE(can_log_in());
}

TEST_F(VolumeServerTest, TheInventoryShowsEverythingOnce) {
  ASSERT_EQ("202", said(put(snapshot(3), of_volume(1))));
  ASSERT_EQ("202", said(put(volume(4), copy_of("volume", 1, 10))));
  auto seen = inventory();
  ASSERT_EQ(2u, seen.volumes.size());
  ASSERT_EQ(1u, seen.snapshots.size());
  EXPECT_EQ("copying", seen.snapshots[0].state);
  run_copies();
  seen = inventory();
  ASSERT_EQ(2u, seen.volumes.size());
  ASSERT_EQ(1u, seen.snapshots.size());
  EXPECT_EQ("ready", seen.snapshots[0].state);
  ASSERT_EQ(1u, seen.exports.size());
  EXPECT_TRUE(seen.exports[0].active);
}

TEST_F(VolumeServerTest, ImagesAreInTheInventoryAndSources) {
  EXPECT_EQ("404 not-found", said(put(volume(4), copy_of("image", 9, 10))));
  store_.offer({id(9), "debian-12", 2 * kMiB});
  const auto seen = inventory();
  ASSERT_EQ(1u, seen.images.size());
  EXPECT_EQ(id(9), seen.images[0].id);
  EXPECT_EQ("debian-12", seen.images[0].name);
  EXPECT_EQ(2 * kMiB, seen.images[0].size_bytes);
  EXPECT_EQ("400 invalid-field", said(put(volume(4), copy_of("image", 9, 1))));
  EXPECT_EQ("202", said(put(volume(4), copy_of("image", 9, 10))));
  run_copies();
  EXPECT_EQ("200", said(put(volume(4), copy_of("image", 9, 10)))) << "the same order again";
  EXPECT_EQ("409 conflict", said(put(volume(4), copy_of("snapshot", 9, 10))));
}

TEST_F(VolumeServerTest, TheInventoryKeepsExportsWhileTheDaemonIsAway) {
  target_.kill_daemon();
  const auto seen = inventory();
  ASSERT_EQ(1u, seen.exports.size());
  EXPECT_FALSE(seen.exports[0].active);
}

TEST_F(VolumeServerTest, ForeignTargetsAreReportedAndLeftAlone) {
  target_.add_foreign_target("iqn.2001-04.com.example:by-hand", 77);
  target_.add_foreign_target("iqn.2026-01.vbs:by-hand", 78);
  let_time_pass();
  const auto foreign = inventory().foreign;
  EXPECT_EQ(2u, foreign.size());
  EXPECT_NE(foreign.end(),
            std::find(foreign.begin(), foreign.end(), "target iqn.2001-04.com.example:by-hand"));
  EXPECT_EQ(3u, target_.list()->size());
}

TEST_F(VolumeServerTest, ExportTombstonesAreForgottenAfterAWeek) {
  ASSERT_EQ("204", said(del(export_of(7) + "?generation=3")));
  clock_.advance(std::chrono::hours(24 * 8));
  server_->tend();
  EXPECT_EQ("200", said(put(export_of(7), order({}))));
}

TEST_F(VolumeServerTest, UnknownPathsAndMethodsAreSaid) {
  EXPECT_EQ("404 not-found", said(get("/v1/backups/" + id(1).str())));
  EXPECT_EQ("405 method-not-allowed", said(send(http::Method::post, volume(1))));
}

}  // namespace
}  // namespace vbs::volume_delegate

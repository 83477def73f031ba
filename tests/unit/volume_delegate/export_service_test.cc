#include <gtest/gtest.h>

#include "tests/unit/volume_delegate/export_support.h"

namespace vbs::volume_delegate {
namespace {

using testing::id;

class ExportServiceTest : public testing::ExportTest {};

TEST_F(ExportServiceTest, MakesShowsAndRemoves) {
  const auto made = status(put(export_of(7), order({})));
  EXPECT_EQ(id(7), made.attachment);
  EXPECT_EQ(id(1), made.volume);
  EXPECT_EQ(iqn(7), made.iqn);
  EXPECT_EQ("127.0.0.1:3260", made.portal);
  EXPECT_EQ(1u, made.lun);
  EXPECT_EQ(id(1).str(), made.serial);
  EXPECT_EQ("iqn.2026-01.host:1", made.initiator);
  EXPECT_EQ(2, made.generation);
  EXPECT_TRUE(made.active);
  EXPECT_TRUE(log_in(7));
  ASSERT_EQ(1u, status(get(export_of(7))).sessions.size());
  target_.log_out(iqn(7), "iqn.2026-01.host:1");
  EXPECT_EQ("204", remove(7, 3));
  EXPECT_EQ("404 not-found", said(get(export_of(7))));
  EXPECT_FALSE(log_in(7));
}

// What a daemon does not tell in time is not absent.
TEST_F(ExportServiceTest, ADaemonThatDoesNotTellIsNotTakenForEmpty) {
  EXPECT_EQ("200", said(put(export_of(7), order({}))));
  fail_call("list", ErrorCode::timeout);
  EXPECT_EQ("504 timeout", said(get(export_of(7))));
  EXPECT_EQ("504 timeout", said(get("/v1/inventory")));
  target_.set_fault({});
  EXPECT_TRUE(status(get(export_of(7))).active);
}

// It was made by an earlier installation, say, whose records are lost.
TEST_F(ExportServiceTest, AnExportWithoutARecordIsGoneOnlyWhenItIsSeenGone) {
  target_.add_foreign_target(iqn(9), 5);
  fail_call("remove", ErrorCode::timeout);
  EXPECT_EQ("504 timeout", remove(9, 3));
  fail_call("list", ErrorCode::timeout);
  EXPECT_EQ("204", remove(9, 3));
  target_.set_fault({});
  EXPECT_TRUE(target_.list()->empty()) << "it is served no more";
  EXPECT_EQ("409 stale-generation", said(put(export_of(9), order({.generation = 3}))));
}

TEST_F(ExportServiceTest, NoAnswerHoldsTheSecret) {
  for (const auto& response :
       {put(export_of(7), order({})), get(export_of(7)), get("/v1/inventory")}) {
    EXPECT_EQ("200", said(response));
    EXPECT_EQ(std::string::npos, response.body.find("secretsecret12"));
  }
}

TEST_F(ExportServiceTest, TheSameOrderAgainChangesNothing) {
  for (int again = 0; again < 3; ++again) EXPECT_EQ("200", said(put(export_of(7), order({}))));
  EXPECT_EQ(1u, target_.applied());
  EXPECT_TRUE(log_in(7));
  EXPECT_EQ("200", said(put(export_of(7), order({})))) << "also with a live session";
  EXPECT_TRUE(target_.has_session(iqn(7)));
}

TEST_F(ExportServiceTest, AnotherBodyIsAConflict) {
  EXPECT_EQ("200", said(put(export_of(7), order({}))));
  EXPECT_EQ("200", said(put(volume(5), blank(10))));
  for (const Order& other :
       {Order{.volume = 5}, Order{.initiator = "iqn.2026-01.host:2"}, Order{.user = "user2"},
        Order{.secret = "othersecret12"}, Order{.read_only = true},
        Order{.secret = "othersecret12", .generation = 3}}) {
    EXPECT_EQ("409 conflict", said(put(export_of(7), order(other))));
  }
  EXPECT_TRUE(log_in(7)) << "the export is as it was";
}

TEST_F(ExportServiceTest, ANewerOrderOfTheSameBodyIsRemembered) {
  EXPECT_EQ("200", said(put(export_of(7), order({}))));
  EXPECT_EQ(5, status(put(export_of(7), order({.generation = 5}))).generation);
  EXPECT_EQ("409 stale-generation", said(put(export_of(7), order({.generation = 4}))));
  restart();
  EXPECT_EQ("409 stale-generation", said(put(export_of(7), order({.generation = 4}))));
  EXPECT_EQ("409 stale-generation", remove(7, 4));
}

TEST_F(ExportServiceTest, AnOrderThatComesAfterTheEndIsRefused) {
  EXPECT_EQ("200", said(put(export_of(7), order({}))));
  EXPECT_EQ("204", remove(7, 5));
  for (const int generation : {2, 4, 5}) {
    EXPECT_EQ("409 stale-generation", said(put(export_of(7), order({.generation = generation}))));
  }
  restart();
  EXPECT_EQ("409 stale-generation", said(put(export_of(7), order({.generation = 5}))));
  EXPECT_EQ("200", said(put(export_of(7), order({.generation = 6}))));
}

TEST_F(ExportServiceTest, RemovingWhatNeverWasIsRememberedToo) {
  EXPECT_EQ("204", remove(7, 5));
  EXPECT_EQ("204", remove(7, 5));
  EXPECT_EQ("409 stale-generation", remove(7, 4));
  EXPECT_EQ("204", remove(7, 9));
  EXPECT_EQ("409 stale-generation", said(put(export_of(7), order({.generation = 9}))));
  EXPECT_EQ("200", said(put(export_of(7), order({.generation = 10}))));
}

TEST_F(ExportServiceTest, ALiveSessionIsAConflictAndGoesOn) {
  EXPECT_EQ("200", said(put(export_of(7), order({}))));
  ASSERT_TRUE(log_in(7));
  const auto refused = del(export_of(7) + "?generation=3");
  EXPECT_EQ("409 conflict", said(refused));
  EXPECT_NE(std::string::npos, http::error_of(refused).message.find("iqn.2026-01.host:1"));
  EXPECT_TRUE(target_.has_session(iqn(7)));
  EXPECT_TRUE(log_in(7)) << "it must be able to reconnect";
  target_.log_out(iqn(7), "iqn.2026-01.host:1");
  EXPECT_EQ("204", remove(7, 3));
}

TEST_F(ExportServiceTest, RevokingEndsTheSession) {
  EXPECT_EQ("200", said(put(export_of(7), order({}))));
  ASSERT_TRUE(log_in(7));
  EXPECT_EQ("204", remove(7, 3, true));
  EXPECT_FALSE(target_.has_session(iqn(7)));
  EXPECT_FALSE(log_in(7));
}

// For an initiator that could not be told to leave: it comes back and finds nothing.
TEST_F(ExportServiceTest, ABuriedExportIsAnEmptyTarget) {
  EXPECT_EQ("200", said(put(export_of(7), order({}))));
  ASSERT_TRUE(log_in(7));
  const std::string bury = export_of(7) + "?generation=3&bury=true";
  EXPECT_EQ("204", said(del(bury)));
  EXPECT_FALSE(target_.has_session(iqn(7)));
  EXPECT_EQ("204", said(del(bury))) << "again is harmless";

  const auto left = status(get(export_of(7)));
  EXPECT_TRUE(left.buried);
  EXPECT_FALSE(left.active);
  const auto views = target_.list();
  ASSERT_EQ(1u, views->size());
  EXPECT_EQ("", views->front().device);
  EXPECT_TRUE(log_in(7)) << "else it would wait for ever";

  target_.kill_daemon();
  server_->tend();
  ASSERT_EQ(1u, target_.list()->size());
  EXPECT_EQ("", target_.list()->front().device) << "nothing brings the volume back";
  EXPECT_EQ("409 stale-generation", said(put(export_of(7), order({}))));
  EXPECT_EQ("200", said(put(export_of(8), order({.user = "user8"}))))
      << "the volume is free for another";
  EXPECT_EQ("204", remove(8, 3));
  EXPECT_EQ("204", said(del(volume(1)))) << "or to be deleted";

  EXPECT_EQ("204", remove(7, 4));
  EXPECT_TRUE(target_.list()->empty());
  EXPECT_EQ("404 not-found", said(get(export_of(7))));
}

TEST_F(ExportServiceTest, ABurialThatWasCutShortIsFinished) {
  EXPECT_EQ("200", said(put(export_of(7), order({}))));
  fail_call("apply", ErrorCode::timeout);
  EXPECT_EQ("504 timeout", said(del(export_of(7) + "?generation=3&bury=true")));
  target_.set_fault({});
  clock_.advance(std::chrono::seconds(5));
  server_->tend();
  ASSERT_EQ(1u, target_.list()->size());
  EXPECT_EQ("", target_.list()->front().device);
  EXPECT_TRUE(status(get(export_of(7))).buried);
}

TEST_F(ExportServiceTest, TheVolumeMustBeThereAndComplete) {
  const auto missing = put(export_of(7), order({.volume = 9}));
  EXPECT_EQ("404 not-found", said(missing));
  EXPECT_EQ("volume", http::error_of(missing).field);
  EXPECT_EQ("202", said(put(volume(2), copy_of("volume", 1, 10))));
  EXPECT_EQ("409 conflict", said(put(export_of(7), order({.volume = 2}))));
  run_copies();
  EXPECT_EQ("200", said(put(export_of(7), order({.volume = 2}))));
}

TEST_F(ExportServiceTest, OnlyReadOnlyExportsMayBeSeveral) {
  EXPECT_EQ("200", said(put(export_of(7), order({.read_only = true}))));
  EXPECT_EQ("409 conflict", said(put(export_of(8), order({.user = "user8"}))));
  EXPECT_EQ("200", said(put(export_of(9), order({.user = "user9", .read_only = true}))));
  EXPECT_EQ("204", remove(7, 3));
  EXPECT_EQ("204", remove(9, 3));
  EXPECT_EQ("200", said(put(export_of(8), order({.user = "user8"}))));
  EXPECT_EQ("409 conflict", said(put(export_of(10), order({.user = "user10", .read_only = true}))));
}

TEST_F(ExportServiceTest, EveryExportHasItsOwnUser) {
  EXPECT_EQ("200", said(put(volume(2), blank(10))));
  EXPECT_EQ("200", said(put(export_of(7), order({}))));
  const auto refused = put(export_of(8), order({.volume = 2}));
  EXPECT_EQ("409 conflict", said(refused));
  EXPECT_EQ("chap_user", http::error_of(refused).field);
}

TEST_F(ExportServiceTest, BadOrdersNameTheField) {
  const struct {
    Order order;
    std::string field;
  } cases[] = {
      {{.initiator = "host1"}, "initiator"},
      {{.initiator = "iqn.2026-01.host:1,initiator-address=ALL"}, "initiator"},
      {{.user = ""}, "chap_user"},
      {{.user = "a,b"}, "chap_user"},
      {{.user = std::string(65, 'u')}, "chap_user"},
      {{.secret = "elevenchars"}, "chap_secret"},
      {{.secret = std::string(129, 's')}, "chap_secret"},
      {{.secret = "with,comma,in,it"}, "chap_secret"},
      {{.generation = 0}, "generation"},
  };
  for (const auto& bad : cases) {
    const auto response = put(export_of(7), order(bad.order));
    EXPECT_EQ("400 invalid-field", said(response)) << bad.field;
    EXPECT_EQ(bad.field, http::error_of(response).field);
    EXPECT_EQ(std::string::npos, response.body.find(bad.order.secret));
  }
  for (const char* query :
       {"", "?generation=", "?generation=x", "?generation=0", "?generation=1.5"}) {
    EXPECT_EQ("generation", http::error_of(del(export_of(7) + query)).field) << query;
  }
}

TEST_F(ExportServiceTest, WhileTheDaemonCannotStartExportsAnswerSo) {
  target_.kill_daemon();
  target_.set_start_problem("port 3260 is taken");
  server_->tend();
  const auto refused = put(export_of(7), order({}));
  EXPECT_EQ("503 node-unavailable", said(refused));
  EXPECT_NE(std::string::npos, http::error_of(refused).message.find("3260"));
  EXPECT_EQ("404 not-found", said(get(export_of(7)))) << "nothing was recorded";
  EXPECT_EQ("204", remove(7, 3)) << "what never was can be removed";
}

TEST_F(ExportServiceTest, AFullDiskMakesNoExportAndKeepsTheOld) {
  EXPECT_EQ("200", said(put(export_of(7), order({}))));
  export_folder_.set_fault(
      [](const std::string&) { return fail(ErrorCode::insufficient_space, "disk full"); });
  EXPECT_EQ("200", said(put(volume(2), blank(10))));
  EXPECT_EQ("507 insufficient-space",
            said(put(export_of(8), order({.volume = 2, .user = "user8"}))));
  EXPECT_FALSE(target_.log_in(iqn(8), "iqn.2026-01.host:1", "user8", "secretsecret12"));
  EXPECT_EQ("507 insufficient-space", remove(7, 3));
  export_folder_.set_fault(nullptr);
  let_time_pass();
  EXPECT_TRUE(log_in(7)) << "the fence of the removal that failed is undone";
  target_.log_out(iqn(7), "iqn.2026-01.host:1");
  EXPECT_EQ("204", remove(7, 3));
}

TEST_F(ExportServiceTest, ANumberOfAForeignTargetIsPassedOver) {
  for (std::uint32_t number = 1; number <= 3; ++number) {
    target_.add_foreign_target("iqn.2001-04.com.example:" + std::to_string(number), number);
  }
  EXPECT_EQ("200", said(put(export_of(7), order({}))));
  EXPECT_TRUE(log_in(7));
  EXPECT_EQ(4u, exports_->find(id(7))->number);
}

TEST_F(ExportServiceTest, ARemovalThatStoppedHalfWayIsFinishedAndNeverRebuilt) {
  EXPECT_EQ("200", said(put(export_of(7), order({}))));
  ASSERT_TRUE(log_in(7));
  fail_call("remove", ErrorCode::timeout);
  EXPECT_EQ("504 timeout", remove(7, 3, true));
  EXPECT_FALSE(log_in(7)) << "fenced";
  EXPECT_FALSE(status(get(export_of(7))).active);
  EXPECT_EQ("409 conflict", said(del(volume(1)))) << "the target may still have it open";
  target_.set_fault(nullptr);
  restart();
  EXPECT_EQ("404 not-found", said(get(export_of(7)))) << "finished by the next look";
  EXPECT_FALSE(target_.has_session(iqn(7)));
  EXPECT_EQ("204", remove(7, 3));
}

TEST_F(ExportServiceTest, ANewerOrderFinishesAPendingRemovalFirst) {
  EXPECT_EQ("200", said(put(export_of(7), order({}))));
  fail_call("remove", ErrorCode::timeout);
  EXPECT_EQ("504 timeout", remove(7, 3, true));
  EXPECT_EQ("409 stale-generation", said(put(export_of(7), order({.generation = 3}))));
  EXPECT_EQ("504 timeout", said(put(export_of(7), order({.generation = 4}))));
  target_.set_fault(nullptr);
  EXPECT_EQ("200", said(put(export_of(7), order({.secret = "freshsecret12", .generation = 4}))));
  EXPECT_TRUE(target_.log_in(iqn(7), "iqn.2026-01.host:1", "user1", "freshsecret12"));
}

TEST_F(ExportServiceTest, ATargetWithoutARecordIsRemovedByName) {
  target_.add_foreign_target(iqn(7), 99);
  EXPECT_EQ("204", remove(7, 3));
  EXPECT_FALSE(log_in(7));
  EXPECT_TRUE(read<wire::VolumeServerInventory>(get("/v1/inventory")).foreign.empty());
}

}  // namespace
}  // namespace vbs::volume_delegate

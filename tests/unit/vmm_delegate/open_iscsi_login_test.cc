#include <sys/stat.h>

#include "tests/unit/vmm_delegate/machine_support.h"
#include "tests/unit/vmm_delegate/open_iscsi_fixture.h"

namespace vbs::vmm_delegate {
namespace {

TEST_F(OpenIscsiTest, LogsInWithARecordOfItsOwnAndFindsTheDiskBelowTheSession) {
  options.by_path = "/dev/disk/by-path";
  const auto status = driver().log_in(id, spec);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->serial, spec.volume.str());
  EXPECT_EQ(status->path, "/dev/disk/by-path/ip-127.0.0.1:3260-iscsi-" + spec.iqn + "-lun-1");
  EXPECT_EQ(status->size_bytes, 8U << 20);
  EXPECT_EQ(status->generation, 7);
  EXPECT_THAT(host.done(), ElementsAre("login", "scan 1 1", "serial sda"));
  EXPECT_THAT(host.commands(),
              ElementsAre(ElementsAre("--mode", "node", "--targetname", spec.iqn, "--portal",
                                      "127.0.0.1:3260,1", "--interface", kInterface, "--login")));
}

TEST_F(OpenIscsiTest, TheSecretIsInTheRecordAloneWhichNobodyElseCanRead) {
  ASSERT_TRUE(driver().log_in(id, spec));
  for (const auto& argv : host.commands()) {
    for (const std::string& word : argv) {
      EXPECT_EQ(word.find(spec.chap_secret.reveal()), std::string::npos) << word;
    }
  }
  EXPECT_THAT(test::slurp(record_path()), HasSubstr(spec.chap_secret.reveal()));
  struct stat status {};
  ASSERT_EQ(::stat(record_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(OpenIscsiTest, ASessionThatIsThereNeedsNoCommand) {
  host.add_session(spec.iqn, kInterface, spec.volume.str());
  write_record("");
  const auto status = driver().log_in(id, spec);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_THAT(host.commands(), IsEmpty());
  EXPECT_THAT(test::slurp(record_path()), HasSubstr(spec.chap_secret.reveal())) << "repaired";
}

TEST_F(OpenIscsiTest, TheDiskOfAnotherVolumeIsNotGivenAndDoesNotStay) {
  host.set_target(spec.iqn, {test_id(101).str(), 0});
  EXPECT_EQ(refusal().code, ErrorCode::conflict);
  EXPECT_THAT(host.session_names(), IsEmpty());
  EXPECT_THAT(host.done(),
              ElementsAre("login", "scan 1 1", "serial sda", "flush sda", "remove sda", "logout"));
}

TEST_F(OpenIscsiTest, AStaleDiskIsNotGivenButLeftToWhomeverUsesIt) {
  host.add_session(spec.iqn, kInterface, test_id(101).str());
  const Error error = refusal();
  EXPECT_EQ(error.code, ErrorCode::conflict);
  EXPECT_THAT(error.message, HasSubstr(test_id(101).str()));
  EXPECT_THAT(host.session_names(), ElementsAre(spec.iqn));
}

TEST_F(OpenIscsiTest, AMissingLogicalUnitIsNotFoundAndNothingStays) {
  spec.lun = 4;
  EXPECT_EQ(refusal().code, ErrorCode::not_found);
  EXPECT_THAT(host.session_names(), IsEmpty());
}

TEST_F(OpenIscsiTest, ATargetThatIsLostWhileItsDiskIsAwaitedIsNotRefused) {
  spec.lun = 4;
  host.on_scan = [&] { host.set_state(1, "FAILED"); };
  EXPECT_EQ(refusal().code, ErrorCode::node_unavailable);
  EXPECT_THAT(host.session_names(), ElementsAre(spec.iqn)) << "iscsid brings it back";
  EXPECT_FALSE(std::filesystem::is_empty(host.path("iscsi") + "/nodes/" + spec.iqn));
}

TEST_F(OpenIscsiTest, TellsFailuresApart) {
  struct Case {
    int exit_code;
    ErrorCode code;
    std::string said;
  };
  const Case cases[] = {{24, ErrorCode::forbidden, "CHAP"},
                        {8, ErrorCode::node_unavailable, "127.0.0.1:3260"},
                        {20, ErrorCode::node_unavailable, "systemctl start iscsid.socket"},
                        {18, ErrorCode::node_unavailable, "systemctl start iscsid.socket"},
                        {6, ErrorCode::internal, "exited with 6"}};
  const test::SilentPortal portal;  // takes connections, so that the driver asks iscsiadm each time
  spec.portal = portal.portal();
  for (const Case& one : cases) {
    host.set_target(spec.iqn, {"", one.exit_code});
    const Error error = refusal();
    EXPECT_EQ(error.code, one.code) << one.exit_code << ": " << error.message;
    if (one.exit_code != 8) {
      EXPECT_THAT(error.message, HasSubstr(one.said));
    }
    EXPECT_FALSE(has_record());
  }
}

TEST_F(OpenIscsiTest, WhyATargetRefusesIsTriedFromHere) {
  host.set_target(spec.iqn, {"", 19});
  trial = fail(ErrorCode::not_found, "no such target for this initiator");
  EXPECT_EQ(refusal().code, ErrorCode::not_found);
  trial = spec.volume.str();
  EXPECT_EQ(refusal().code, ErrorCode::node_unavailable) << "it has come meanwhile";
}

TEST_F(OpenIscsiTest, ATimeOutIsLookedInto) {
  host.answer = [&](const std::vector<std::string>&) {
    host.add_session(spec.iqn, kInterface, spec.volume.str());
    process::Outcome outcome;
    outcome.timed_out = true;
    return std::optional(outcome);
  };
  EXPECT_TRUE(driver().log_in(id, spec)) << "the session is there all the same";
}

TEST_F(OpenIscsiTest, ALoginOfWhichNothingIsKnownKeepsItsRecord) {
  host.answer = [](const std::vector<std::string>&) {
    process::Outcome outcome;
    outcome.timed_out = true;
    return std::optional(outcome);
  };
  EXPECT_EQ(refusal().code, ErrorCode::timeout);
  EXPECT_TRUE(has_record());
}

TEST_F(OpenIscsiTest, ADeadPortalIsTriedByItselfFirst) {
  spec.portal = test::free_portal();
  host.set_target(spec.iqn, {"", 8});
  EXPECT_EQ(refusal().code, ErrorCode::node_unavailable);
  EXPECT_EQ(refusal().code, ErrorCode::node_unavailable);
  EXPECT_EQ(host.commands().size(), 1U) << "iscsid is not held up again";
}

TEST_F(OpenIscsiTest, WithoutUdevThereIsNoPath) {
  host.udev_runs = false;
  options.limit = Milliseconds(300);
  const Error error = refusal();
  EXPECT_EQ(error.code, ErrorCode::node_unavailable);
  EXPECT_THAT(error.message, HasSubstr("udev"));
}

TEST_F(OpenIscsiTest, ALostSessionThatNobodyUsesIsReplaced) {
  const unsigned sid = host.add_session(spec.iqn, kInterface, spec.volume.str());
  host.set_state(sid, "FAILED");
  const auto status = driver().log_in(id, spec);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_THAT(host.done(), ElementsAre("remove sda", "logout", "login", "scan 2 1", "serial sdb"));
}

TEST_F(OpenIscsiTest, ALostSessionInUseIsWaitedFor) {
  const unsigned sid = host.add_session(spec.iqn, kInterface, spec.volume.str());
  host.set_state(sid, "FAILED");
  host.users = {"process 7 (qemu)"};
  EXPECT_EQ(refusal().code, ErrorCode::node_unavailable);
  EXPECT_THAT(host.done(), IsEmpty());
}

TEST_F(OpenIscsiTest, ASessionToAnotherPortalIsReplaced) {
  host.add_session(spec.iqn, kInterface, spec.volume.str(), "127.0.0.1:9");
  EXPECT_TRUE(driver().log_in(id, spec));
  EXPECT_EQ(host.session_names().size(), 1U);
}

TEST_F(OpenIscsiTest, TheTargetMustBeTheAttachmentsOwn) {
  spec.iqn = "iqn.2026-01.vbs:" + test_id(2).str();
  EXPECT_EQ(refusal().field, "iqn");
  spec = make_spec();
  spec.portal = "storage.example:3260";
  EXPECT_EQ(refusal().field, "portal");
  spec = make_spec();
  spec.lun = 256;
  EXPECT_EQ(refusal().field, "lun");
  EXPECT_THAT(host.commands(), IsEmpty());
}

TEST_F(OpenIscsiTest, WithDiscoveryThePortalIsAskedFirst) {
  options.discovery = true;
  process::Outcome outcome;
  outcome.out = "127.0.0.1:3260,3 " + spec.iqn + "\n";
  host.answer = [&](const std::vector<std::string>& argv) {
    return argv[1] == "discovery" ? std::optional(outcome) : std::nullopt;
  };
  ASSERT_TRUE(driver().log_in(id, spec));
  ASSERT_EQ(host.commands().size(), 2U);
  EXPECT_THAT(host.commands()[0],
              ElementsAre("--mode", "discovery", "--type", "sendtargets", "--portal",
                          "127.0.0.1:3260", "--interface", kInterface, "--op", "nonpersistent"));
  EXPECT_EQ(host.commands()[1][5], "127.0.0.1:3260,3") << "with the group that it told";
  const std::string folder = host.path("iscsi") + "/nodes/" + spec.iqn + "/127.0.0.1,3260,";
  EXPECT_TRUE(std::filesystem::exists(folder + "3"));
  ASSERT_TRUE(driver().log_in(id, spec));
  EXPECT_TRUE(std::filesystem::exists(folder + "3/" + kInterface)) << "iscsid needs it still";
  EXPECT_FALSE(std::filesystem::exists(folder + "1/" + kInterface));
}

TEST_F(OpenIscsiTest, WhatDiscoveryDoesNotTellOfIsNotFound) {
  options.discovery = true;
  host.answer = [](const std::vector<std::string>&) {
    process::Outcome none;
    none.exit_code = 21;
    return std::optional(none);
  };
  EXPECT_EQ(refusal().code, ErrorCode::not_found);
}

TEST_F(OpenIscsiTest, WhatIsShownIsProvenByTheDiskItself) {
  EXPECT_EQ(driver().prove_shown(id, spec).error().code, ErrorCode::not_found);
  ASSERT_TRUE(driver().log_in(id, spec));
  const auto unused = driver().prove_shown(id, spec);
  ASSERT_FALSE(unused) << "nobody has it open";
  EXPECT_EQ(unused.error().code, ErrorCode::conflict);
  host.users = {"process 7 (qemu)"};
  EXPECT_TRUE(driver().prove_shown(id, spec));
  wire::SessionSpec other = spec;
  other.volume = test_id(101);
  EXPECT_EQ(driver().prove_shown(id, other).error().code, ErrorCode::conflict);
  host.udev_runs = false;
  const auto moved = driver().prove_shown(id, spec);
  ASSERT_FALSE(moved) << "the path leads elsewhere";
  EXPECT_THAT(moved.error().message, HasSubstr("no longer"));
}

TEST_F(OpenIscsiTest, TheNewSizeIsAskedFor) {
  host.add_session(spec.iqn, kInterface, spec.volume.str());
  const auto status = driver().refresh_size(id, spec);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->size_bytes, 16U << 20);
  EXPECT_THAT(host.done(), ElementsAre("rescan sda", "serial sda"));
  host.remove_session(1);
  EXPECT_EQ(driver().refresh_size(id, spec).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace vbs::vmm_delegate

#include "vmm_delegate/hypervisor/xen/xen_toolstack.h"

#include <gtest/gtest.h>

#include "common/file.h"
#include "vmm_delegate/hypervisor/xen/xen_names.h"

namespace vbs::vmm_delegate::xen {
namespace {

struct Recording {
  std::string command;  ///< "xl list"
  process::Outcome outcome;
};

/// "# exit N: COMMAND", then what it printed, which is taken for both streams.
Recording recorded(const std::string& name) {
  const auto text = read_file(std::string(VBS_SOURCE_DIR "/tests/recorded/xen/4.17/") + name);
  EXPECT_TRUE(text) << name;
  const auto colon = text->find(": ");
  const auto end = text->find('\n');
  Recording recording;
  recording.command = text->substr(colon + 2, end - colon - 2);
  recording.outcome.exit_code = std::stoi(text->substr(std::string("# exit ").size()));
  recording.outcome.out = recording.outcome.err = text->substr(end + 1);
  return recording;
}

TEST(XenToolstack, ReadsTheListOfDomains) {
  const auto domains = parse_domains(recorded("list.txt").outcome.out);
  ASSERT_TRUE(domains) << domains.error().message;
  ASSERT_EQ(domains->size(), 1U);
  EXPECT_EQ((*domains)[0].name, "vm1");
  EXPECT_EQ((*domains)[0].id, 1U);
  EXPECT_EQ((*domains)[0].state, "running");
}

TEST(XenToolstack, SeesThatADomainIsPaused) {
  const auto domains = parse_domains(recorded("list-paused.txt").outcome.out);
  ASSERT_TRUE(domains);
  ASSERT_EQ(domains->size(), 1U);
  EXPECT_EQ((*domains)[0].state, "paused");
}

TEST(XenToolstack, ReadsFlagsAndOddRows) {
  const std::string header = "Name   ID   Mem VCPUs      State   Time(s)\n";
  const auto domains = parse_domains(header +
                                     "Domain-0  0  640  1  r-----  1.0\n"
                                     "gone      1  96   1  ---s--  1.0\n"
                                     "dead      2  96   1  ----c-  1.0\n"
                                     "dying     3  96   1  --p--d  1.0\n"
                                     "(null)    4  96   1  -----d  1.0\n"
                                     "idle      5  96   1  ------  1.0\n"
                                     "three words   96   1  r-----  1.0\n"
                                     "two words 6  96   1  r-----  1.0\n");
  ASSERT_TRUE(domains) << domains.error().message;
  std::string all;
  for (const Domain& domain : *domains) all += domain.name + "=" + domain.state + " ";
  EXPECT_EQ(all, "gone=off dead=off dying=off idle=running ");
}

TEST(XenToolstack, ReadsADomainThatXendKeeps) {
  // xm's format is "%(name)-40s %(domid)5s %(mem)5d %(vcpus)5d %(state)10s %(cpu_time)8.1f".
  const auto domains = parse_domains(
      "Name                                        ID   Mem VCPUs      State   Time(s)\n"
      "ttylinux                                           64     1                 0.0\n"
      "web                                          3     64     1     -b----      2.1\n");
  ASSERT_TRUE(domains);
  ASSERT_EQ(domains->size(), 2U);
  EXPECT_EQ((*domains)[0].name, "ttylinux");
  EXPECT_EQ((*domains)[0].id, std::nullopt);
  EXPECT_EQ((*domains)[0].state, "off");
  EXPECT_EQ((*domains)[1].id, 3U);
}

TEST(XenToolstack, RefusesWhatIsNoList) {
  EXPECT_FALSE(parse_domains(""));
  EXPECT_FALSE(parse_domains("xenstored is not running\n"));
}

TEST(XenToolstack, TellsRefusalsApart) {
  const std::pair<const char*, ErrorCode> cases[] = {
      {"attach-no-device.txt", ErrorCode::node_unavailable},
      {"attach-no-domain-name.txt", ErrorCode::not_found},
      {"attach-no-domain-id.txt", ErrorCode::not_found},
      {"attach-bad-name.txt", ErrorCode::internal},
      {"attach-twice.txt", ErrorCode::conflict},
      {"attach-script-fails.txt", ErrorCode::internal},
      {"detach-unknown.txt", ErrorCode::not_found},
      {"detach-no-domain.txt", ErrorCode::not_found},
      {"detach-held.txt", ErrorCode::internal},
      {"pause-no-domain.txt", ErrorCode::not_found},
      {"unpause-no-domain.txt", ErrorCode::not_found},
      {"unpause-running.txt", ErrorCode::internal},
  };
  for (const auto& [name, code] : cases) {
    Recording recording = recorded(name);
    recording.outcome.out.clear();
    const auto judged = judge("xl", recording.outcome);
    ASSERT_FALSE(judged) << name;
    EXPECT_EQ(judged.error().code, code) << name << ": " << judged.error().message;
    EXPECT_EQ(judged.error().message.find('\n'), std::string::npos) << judged.error().message;
  }
}

TEST(XenToolstack, TakesSilenceForSuccess) {
  for (const char* name : {"attach.txt", "attach-read-only.txt", "detach.txt", "detach-let-go.txt",
                           "detach-force.txt", "pause.txt", "unpause.txt"}) {
    EXPECT_TRUE(judge("xl", recorded(name).outcome)) << name;
  }
}

std::string joined(const std::string& program, const std::vector<std::string>& words) {
  std::string text = program;
  for (const std::string& word : words) text += " " + word;
  return text;
}

const Domain kDomain{"ttylinux", 1, "running"};
const std::string kPath =
    "/dev/disk/by-path/ip-10.9.0.1:3260-iscsi-iqn.2026-01.vbs:"
    "0190a1b2-0000-7000-8000-0000000000a1-lun-1";

TEST(XenToolstack, GivesXlWhatItTook) {
  const Toolstack xl("xl", "/usr/sbin/xl", {});
  EXPECT_EQ(joined("xl", xl.attach_arguments(kDomain, kPath, {"sdb", ""}, false)),
            recorded("attach.txt").command);
  EXPECT_EQ(joined("xl", xl.attach_arguments(kDomain, kPath, {"xvdc", ""}, true)),
            recorded("attach-read-only.txt").command);
  EXPECT_EQ(joined("xl", xl.detach_arguments(kDomain, {"sdb", "2064"}, false)),
            recorded("detach-let-go.txt").command);
  EXPECT_EQ(joined("xl", xl.detach_arguments(kDomain, {"sdb", "2064"}, true)),
            recorded("detach-force.txt").command);
}

TEST(XenToolstack, GivesXmTheSeedsWords) {
  using Words = std::vector<std::string>;
  const Toolstack xm("xm", "/usr/sbin/xm", {});
  EXPECT_EQ(xm.attach_arguments(kDomain, kPath, {"sdb", ""}, false),
            (Words{"block-attach", "ttylinux", "phy:" + kPath, "/dev/sdb", "w"}));
  EXPECT_EQ(xm.attach_arguments(kDomain, kPath, {"sdb", ""}, true),
            (Words{"block-attach", "ttylinux", "phy:" + kPath, "/dev/sdb", "r"}));
  EXPECT_EQ(xm.detach_arguments(kDomain, {"sdb", "2064"}, false),
            (Words{"block-detach", "ttylinux", "/dev/sdb"}));
  EXPECT_EQ(xm.detach_arguments(kDomain, {"sdb", "2064"}, true),
            (Words{"block-detach", "ttylinux", "/dev/sdb", "-f"}));
}

TEST(XenToolstack, NamesThePackageOfAMissingProgram) {
  const auto program = Toolstack("xm", "", {}).program();
  ASSERT_FALSE(program);
  EXPECT_NE(program.error().message.find("xen-utils"), std::string::npos);
}

TEST(XenNames, TakesOnlyNamesThatXenHas) {
  for (const char* name : {"/dev/sdb", "/dev/sdp", "/dev/xvdb", "/dev/xvdz", "/dev/xvdaa"}) {
    EXPECT_EQ(virtual_device(name).value_or(""), std::string(name).substr(5)) << name;
  }
  for (const char* name : {"/dev/sdq", "/dev/sdaa", "/dev/vdb", "/dev/xvdaaa", "/dev/hda", ""}) {
    const auto refused = virtual_device(name);
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().field, "device");
  }
}

TEST(XenNames, KnowsWhatTheGuestShows) {
  EXPECT_EQ(guest_device("sdb"), "xvdb");
  EXPECT_EQ(guest_device("xvdb"), "xvdb");
  EXPECT_EQ(guest_device("hdc"), "xvdc");
  EXPECT_EQ(guest_device("vif0"), "");
}

TEST(XenNames, FindsTheAttachmentInADevicesName) {
  const auto id = Uuid::parse("0190a1b2-0000-7000-8000-0000000000a1");
  const std::string prefix = "iqn.2026-01.vbs";
  EXPECT_EQ(attachment_of_path(kPath, prefix), id);
  EXPECT_EQ(attachment_of_path("/dev/disk/by-path/ip-2001:db8::7:3260-iscsi-" + prefix + ":" +
                                   id->str() + "-lun-15",
                               prefix),
            id);
  const std::string strangers[] = {
      "",
      "/dev/sdb",
      "/dev/vg/" + id->str(),
      "/dev/disk/by-path/pci-0000:00:05.0-scsi-0:0:0:0",
      kPath + "-part1",
      kPath.substr(0, kPath.size() - 1),
      "/dev/disk/by-path/ip-10.9.0.1:3260-iscsi-iqn.2026-01.vbs2:" + id->str() + "-lun-1",
      "/dev/disk/by-path/ip-10.9.0.1:3260-iscsi-iqn.2009-03.edu:" + id->str() + "-lun-1",
      "/dev/disk/by-path/ip-10.9.0.1:3260-iscsi-" + prefix + ":x" + id->str() + "-lun-1",
      "/dev/disk/by-path/ip-10.9.0.1:3260-lun-1-iscsi-" + prefix,
  };
  for (const std::string& path : strangers) {
    EXPECT_EQ(attachment_of_path(path, prefix), std::nullopt) << path;
  }
}

}  // namespace
}  // namespace vbs::vmm_delegate::xen

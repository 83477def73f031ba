#include "volume_delegate/target/iet/iet_control.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/file.h"
#include "tests/unit/volume_delegate/support.h"
#include "volume_delegate/target/iet/iet_access.h"

namespace vbs::volume_delegate {
namespace {

using testing::failed_with;
using testing::trouble;

/// A program in ietadm's place that notes its arguments, one a line, and ends as it is told.
class IetControlTest : public ::testing::Test {
 protected:
  void ends_with(int exit_code, const std::string& complaint = "") {
    const std::string program = dir_ / "ietadm";
    const std::string text = "#!/bin/sh\nprintf '%s\\n' \"$@\" >" + (dir_ / "arguments") +
                             "\necho '" + complaint + "' >&2\nexit " + std::to_string(exit_code) +
                             "\n";
    ASSERT_EQ("", trouble(write_file_durably(program, text, 0700)));
  }
  std::vector<std::string> arguments() const {
    const auto text = read_file(dir_ / "arguments").value_or("");
    std::vector<std::string> out;
    for (std::size_t begin = 0; begin < text.size();) {
      const auto end = text.find('\n', begin);
      out.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
    return out;
  }
  using Words = std::vector<std::string>;

  testing::TempDir dir_;
  IetControl iet_{dir_ / "ietadm", dir_ / "proc"};
};

TEST_F(IetControlTest, SpeaksAsTheManualSays) {
  ends_with(0);
  ASSERT_EQ("", trouble(iet_.new_target(7, "iqn.2026-01.vbs:a")));
  EXPECT_EQ((Words{"--op", "new", "--tid=7", "--params", "Name=iqn.2026-01.vbs:a"}), arguments());
  ASSERT_EQ("", trouble(iet_.new_unit(7, 1, "Path=/dev/vg/a b,Type=blockio")));
  EXPECT_EQ(
      (Words{"--op", "new", "--tid=7", "--lun=1", "--params", "Path=/dev/vg/a b,Type=blockio"}),
      arguments());
  ASSERT_EQ("", trouble(iet_.new_account(7, "user", Secret("secret-=word"))));
  EXPECT_EQ((Words{"--op", "new", "--tid=7", "--user",
                   "--params=IncomingUser=user,Password=secret-=word"}),
            arguments());
  ASSERT_EQ("", trouble(iet_.delete_account(7, "user")));
  EXPECT_EQ((Words{"--op", "delete", "--tid=7", "--user", "--params=IncomingUser=user"}),
            arguments());
  ASSERT_EQ("", trouble(iet_.close_connection(7, 282574492336640, 0)));
  EXPECT_EQ((Words{"--op", "delete", "--tid=7", "--sid=282574492336640", "--cid=0"}), arguments());
  ASSERT_EQ("", trouble(iet_.delete_target(7)));
  EXPECT_EQ((Words{"--op", "delete", "--tid=7"}), arguments());
}

TEST_F(IetControlTest, KnowsTheExitCodes) {
  const struct {
    int exit_code;
    ErrorCode code;
  } cases[] = {{145, ErrorCode::node_unavailable}, {240, ErrorCode::conflict},
               {254, ErrorCode::not_found},        {234, ErrorCode::already_exists},
               {255, ErrorCode::internal},         {1, ErrorCode::internal}};
  for (const auto& [exit_code, code] : cases) {
    ends_with(exit_code, "Device or resource busy.");
    EXPECT_TRUE(failed_with(iet_.delete_target(1), code, "busy")) << exit_code;
  }
}

TEST_F(IetControlTest, ASecretIsInNoError) {
  ends_with(255, "Operation not permitted.");
  const auto refused = iet_.new_account(1, "user", Secret("secretsecret12"));
  EXPECT_TRUE(failed_with(refused, ErrorCode::internal, "not permitted"));
  EXPECT_EQ(std::string::npos, describe(refused.error()).find("secretsecret12"));
}

TEST_F(IetControlTest, WithoutTheModuleNothingIsServed) {
  EXPECT_TRUE(iet_.surely_absent());
  EXPECT_TRUE(failed_with(iet_.targets(), ErrorCode::node_unavailable, "iscsi_trgt"));
}

TEST_F(IetControlTest, TellsOneDaemonFromAnother) {
  const std::string head = "Num       RefCount Protocol Flags    Type St Inode Path\n";
  const std::string other = "0000000000000000: 00000002 00000000 00010000 0001 01 17 @/tmp/x\n";
  const auto line = [](const char* flags, const char* inode) {
    return std::string("0000000000000000: 00000002 00000000 ") + flags + " 0001 01 " + inode +
           " @IET_ABSTRACT_NAMESPACE@@@@\n";
  };
  const auto table = [&](const std::string& lines) {
    ASSERT_EQ("", trouble(write_file_durably(dir_ / "unix", head + other + lines, 0600)));
  };
  table("");
  EXPECT_TRUE(failed_with(iet_.daemon(), ErrorCode::node_unavailable, "start its service"));
  table(line("00000000", "18"));
  EXPECT_TRUE(failed_with(iet_.daemon(), ErrorCode::node_unavailable)) << "one that it serves";
  table(line("00000000", "18") + line("00010000", "23456"));
  EXPECT_EQ("23456", iet_.daemon().value_or(""));
}

class IetAccessTest : public ::testing::Test {
 protected:
  void put(const std::string& name, const std::string& text) {
    ASSERT_EQ("", trouble(write_file_durably(dir_ / name, text, 0640)));
  }
  std::string get(const std::string& name) const { return read_file(dir_ / name).value_or("?"); }

  testing::TempDir dir_;
  static constexpr const char* kIqn = "iqn.2026-01.vbs:a";
  static constexpr const char* kHost = "iqn.2026-01.host:1";
};

TEST_F(IetAccessTest, ARuleNamesOneInitiatorAndComesFirst) {
  const std::string others = "# theirs\niqn.x 192.0.2.1\nALL ALL\n";
  put("initiators.allow", others);
  IetAccess access(dir_.path(), 1'04'18);
  ASSERT_EQ("", trouble(access.open(kIqn, kHost)));
  EXPECT_EQ("iqn.2026-01.vbs:a iqn\\.2026-01\\.host:1\n" + others, get("initiators.allow"));
  EXPECT_EQ(kHost, access.rules()->at(kIqn));
  ASSERT_EQ("", trouble(access.close(kIqn)));
  EXPECT_EQ("iqn.2026-01.vbs:a nobody\n" + others, get("initiators.allow"));
  EXPECT_EQ("", access.rules()->at(kIqn));
  ASSERT_EQ("", trouble(access.forget(kIqn)));
  EXPECT_EQ(others, get("initiators.allow"));
  struct stat status {};
  ASSERT_EQ(0, ::stat((dir_ / "initiators.allow").c_str(), &status));
  EXPECT_EQ(0640u, status.st_mode & 07777) << "it keeps its mode";
  EXPECT_EQ("?", get("initiators.deny")) << "making one would let others in";
}

TEST_F(IetAccessTest, WithoutNamesATargetIsOpenOrClosed) {
  put("initiators.allow", "");
  put("initiators.deny", "iqn.x ALL\n");
  IetAccess access(dir_.path(), 417);
  ASSERT_EQ("", trouble(access.open(kIqn, kHost)));
  EXPECT_EQ("iqn.2026-01.vbs:a ALL\n", get("initiators.allow"));
  EXPECT_EQ("iqn.2026-01.vbs:a ALL\niqn.x ALL\n", get("initiators.deny"));
  EXPECT_EQ(kHost, access.rules()->at(kIqn));
  EXPECT_EQ("(anybody)", IetAccess(dir_.path(), 417).rules()->at(kIqn)) << "after a restart";
  ASSERT_EQ("", trouble(access.close(kIqn)));
  EXPECT_EQ("iqn.2026-01.vbs:a nobody\n", get("initiators.allow"));
  ASSERT_EQ("", trouble(access.forget(kIqn)));
  EXPECT_EQ("iqn.x ALL\n", get("initiators.deny"));
}

TEST_F(IetAccessTest, TheFilesMustBeThere) {
  EXPECT_TRUE(failed_with(IetAccess(dir_.path(), 1'04'19).check(), ErrorCode::node_unavailable,
                          "initiators.allow"));
  put("initiators.allow", "");
  EXPECT_EQ("", trouble(IetAccess(dir_.path(), 1'04'19).check()));
  EXPECT_TRUE(failed_with(IetAccess(dir_.path(), 416).check(), ErrorCode::node_unavailable,
                          "initiators.deny"));
}

}  // namespace
}  // namespace vbs::volume_delegate

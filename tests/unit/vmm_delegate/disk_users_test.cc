#include "vmm_delegate/initiator/disk_users.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/common/support.h"

namespace vbs::vmm_delegate {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A machine of files. A link that leads to itself stands for what cannot be read: nothing else
/// stops root.
class DiskUsersTest : public testing::Test {
 protected:
  DiskUsersTest() {
    disk.block = "sdq";
    disk.major = 65;
    disk.minor = 0;
    make("dev/sdq");
    make("sys/class/block/sdq/sdq1/dev");
    fs::create_directories(process(::getpid()) + "/fd");
    fs::create_directories(process(kOther) + "/fd");
  }
  void make(const std::string& name, const std::string& text = "") {
    const fs::path path(dir.path(name));
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  void spoil(const std::string& name) {
    const fs::path path(dir.path(name));
    fs::remove_all(path);
    fs::create_directories(path.parent_path());
    fs::create_symlink(path, path);
  }
  std::string process(int pid) const { return dir.path("proc/" + std::to_string(pid)); }
  Result<std::vector<std::string>> users() const {
    return users_of_disk(disk, {dir.path("proc"), dir.path("sys"), dir.path("dev")});
  }

  static constexpr int kOther = 4'000'000;  // beyond any process id
  test::TempDir dir;
  ScsiDisk disk;
};

TEST_F(DiskUsersTest, NobodyUsesADiskThatNobodyUses) {
  const auto found = users();
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_THAT(*found, IsEmpty());
}

TEST_F(DiskUsersTest, ADiskThatIsGoneIsUsedByNobody) {
  fs::remove(dir.path("dev/sdq"));
  fs::remove_all(dir.path("sys"));
  EXPECT_THAT(*users(), IsEmpty());
}

TEST_F(DiskUsersTest, WhatCannotBeLookedAtIsNotUnused) {
  const std::string other = "proc/" + std::to_string(kOther);
  for (const std::string& name :
       {std::string("dev/sdq"), std::string("sys/class/block/sdq"), other + "/fd",
        std::string("sys/bus/xen-backend/devices"), std::string("proc")}) {
    const std::string path = dir.path(name);
    const std::string kept = dir.path("kept");
    const bool was_there = fs::exists(path);
    if (was_there) fs::rename(path, kept);
    spoil(name);
    const auto found = users();
    EXPECT_FALSE(found) << name;
    if (!found) {
      EXPECT_THAT(found.error().message, HasSubstr("cannot")) << name;
    }
    fs::remove(path);
    if (was_there) fs::rename(kept, path);
    EXPECT_TRUE(users()) << name;
  }
}

TEST_F(DiskUsersTest, WithoutTheListOfProcessesNothingIsKnown) {
  fs::remove_all(dir.path("proc"));
  const auto found = users();
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message, HasSubstr("does not show the processes"));
}

TEST_F(DiskUsersTest, AProcessThatIsGoneMeanwhileHoldsNothing) {
  fs::remove_all(process(kOther) + "/fd");
  EXPECT_THAT(*users(), IsEmpty());
}

TEST_F(DiskUsersTest, XensBackEndIsAUser) {
  make("sys/bus/xen-backend/devices/vbd-3-51728/physical_device", "41:0\n");
  make("sys/bus/xen-backend/devices/vbd-3-51744/physical_device", "8:0\n");
  fs::create_directories(dir.path("sys/bus/xen-backend/devices/vif-3-0"));
  EXPECT_THAT(*users(), ElementsAre("Xen's block backend vbd-3-51728"));
}

}  // namespace
}  // namespace vbs::vmm_delegate

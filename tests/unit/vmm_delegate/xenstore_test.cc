#include "vmm_delegate/hypervisor/xen/xenstore.h"

#include <gtest/gtest.h>

#include "tests/unit/vmm_delegate/support.h"
#include "tests/unit/vmm_delegate/xenstore_peer.h"
#include "vmm_delegate/hypervisor/xen/xen_look.h"

namespace vbs::vmm_delegate {
namespace {

using test::XenstorePeer;

class XenstoreTest : public testing::Test {
 protected:
  const std::string& path() const { return path_; }
  Result<Xenstore> connect(Milliseconds limit = Milliseconds(20'000)) const {
    return Xenstore::connect(path_, limit);
  }
  /// What the domain of the recordings holds in one of them.
  std::vector<xen::Vbd> vbds(const std::string& recording) const {
    const XenstorePeer peer(path_, XenstorePeer::of(test::xenstore_tree(recording)));
    auto store = connect();
    EXPECT_TRUE(store);
    auto vbds = xen::vbds_of(*store, 1);
    EXPECT_TRUE(vbds) << vbds.error().message;
    return *vbds;
  }

 private:
  test::TempDir dir_;
  const std::string path_ = dir_.path("xenstored");
};

TEST_F(XenstoreTest, ReadsAndLists) {
  const XenstorePeer peer(path(), XenstorePeer::of({{"/a", "text"}, {"/a/x", ""}, {"/a/y", "1"}}));
  auto store = connect();
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(store->read("/a").value(), "text");
  EXPECT_EQ(store->read("/a/x").value(), "");
  EXPECT_EQ(store->read("/a/z").value(), std::nullopt);
  EXPECT_EQ(store->list("/a").value(), (std::vector<std::string>{"x", "y"}));
  EXPECT_TRUE(store->list("/a/y").value().empty());
  EXPECT_TRUE(store->list("/b").value().empty());
}

TEST_F(XenstoreTest, SaysThatNobodyIsThere) {
  const auto store = connect();
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::node_unavailable);
  EXPECT_NE(store.error().message.find(path()), std::string::npos) << store.error().message;
}

TEST_F(XenstoreTest, WaitsNoLongerThanItMay) {
  const XenstorePeer peer(path(), [](auto, auto, const auto&) { return std::string(); });
  auto store = connect(Milliseconds(50));
  ASSERT_TRUE(store);
  const auto text = store->read("/a");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, ErrorCode::timeout);
}

TEST_F(XenstoreTest, SeesThatXenstoredLeft) {
  const XenstorePeer peer(path(), [](auto, auto, const auto&) { return std::nullopt; });
  auto store = connect();
  ASSERT_TRUE(store);
  EXPECT_EQ(store->read("/a").error().code, ErrorCode::node_unavailable);
}

TEST_F(XenstoreTest, BelievesNoNonsense) {
  const XenstorePeer::Answer answers[] = {
      [](auto type, auto request, const auto&) {
        return XenstorePeer::message(type, request + 1, "x");  // of another question
      },
      [](auto, auto request, const auto&) { return XenstorePeer::message(7, request, "x"); },
      [](auto type, auto request, const auto&) {
        return XenstorePeer::message(type, request, std::string(5'000, 'x'));
      },
      [](auto, auto request, const auto&) {
        return XenstorePeer::message(16, request, std::string("EACCES") + '\0');
      },
  };
  for (const XenstorePeer::Answer& answer : answers) {
    const XenstorePeer peer(path(), answer);
    auto store = connect();
    ASSERT_TRUE(store);
    EXPECT_EQ(store->read("/a").error().code, ErrorCode::internal);
    ::unlink(path().c_str());
  }
}

TEST_F(XenstoreTest, RefusesAListWithoutAnEnd) {
  const XenstorePeer peer(path(), [](auto type, auto request, const auto&) {
    return XenstorePeer::message(type, request, std::string("a\0b", 3));
  });
  auto store = connect();
  ASSERT_TRUE(store);
  EXPECT_EQ(store->list("/a").error().code, ErrorCode::internal);
}

TEST_F(XenstoreTest, FindsADomainByItsName) {
  const XenstorePeer peer(path(), XenstorePeer::of({{"/local/domain", ""},
                                                    {"/local/domain/0", ""},
                                                    {"/local/domain/0/name", "Domain-0"},
                                                    {"/local/domain/9", ""},
                                                    {"/local/domain/9/name", "vm1"},
                                                    {"/local/domain/12", ""},
                                                    {"/local/domain/12/name", "vm1"},
                                                    {"/local/domain/13", ""},
                                                    {"/local/domain/13/name", "vm11"}}));
  auto store = connect();
  ASSERT_TRUE(store);
  EXPECT_EQ(xen::domain_id(*store, "vm1").value(), 12U);
  EXPECT_EQ(xen::domain_id(*store, "vm11").value(), 13U);
  EXPECT_EQ(xen::domain_id(*store, "Domain-0").value(), std::nullopt);
  EXPECT_EQ(xen::domain_id(*store, "vm").value(), std::nullopt);
}

TEST_F(XenstoreTest, KnowsADiskThatIsShown) {
  const auto all = vbds("xenstore-attached.txt");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].disk.device, "sdb");
  EXPECT_EQ(all[0].disk.number, "2064");
  EXPECT_EQ(all[0].path,
            "/dev/disk/by-path/ip-10.9.0.1:3260-iscsi-iqn.2026-01.vbs:"
            "0190a1b2-0000-7000-8000-0000000000a1-lun-1");
  EXPECT_EQ(all[0].physical_device, "7:0");
  EXPECT_EQ(all[0].sectors, 32768U);
  EXPECT_EQ(all[0].back, xen::XenbusState::connected);
  EXPECT_EQ(all[0].front, xen::XenbusState::connected);
  EXPECT_FALSE(all[0].read_only);
  EXPECT_TRUE(all[0].complete());
  EXPECT_FALSE(all[0].releasing());
  EXPECT_FALSE(all[0].untouched());
}

TEST_F(XenstoreTest, KnowsADiskThatIsReadOnly) {
  const auto all = vbds("xenstore-read-only.txt");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].disk.device, "xvdc");
  EXPECT_TRUE(all[0].read_only);
  EXPECT_TRUE(all[0].complete());
}

TEST_F(XenstoreTest, KnowsADiskThatTheGuestHolds) {
  const auto all = vbds("xenstore-held.txt");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_FALSE(all[0].complete());
  EXPECT_TRUE(all[0].releasing());
  EXPECT_FALSE(all[0].untouched());
  EXPECT_EQ(all[0].back, xen::XenbusState::closing);
}

TEST_F(XenstoreTest, KnowsADiskThatTheGuestHasLetGo) {
  const auto all = vbds("xenstore-let-go.txt");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(all[0].releasing());
  EXPECT_EQ(all[0].back, xen::XenbusState::closed);
}

TEST_F(XenstoreTest, KnowsWhatAFailedHotplugScriptLeaves) {
  const auto all = vbds("xenstore-script-failed.txt");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_FALSE(all[0].complete());
  EXPECT_FALSE(all[0].releasing());
  EXPECT_TRUE(all[0].untouched());
  EXPECT_EQ(all[0].physical_device, "");
}

TEST_F(XenstoreTest, KnowsThatADomainHoldsNothing) {
  EXPECT_TRUE(vbds("xenstore-nothing.txt").empty());
}

}  // namespace
}  // namespace vbs::vmm_delegate

#include <gtest/gtest.h>

#include "tests/unit/vmm_delegate/program_fixture.h"
#include "vmm_delegate/hypervisor/qemu/qemu_look.h"

namespace vbs::vmm_delegate {
namespace {

using http::Method;
using test::test_id;

/// The real vbs-vmmd, a real QEMU and a real tgtd; the delegate is killed wherever it can be.
class ProgramAttachTest : public ProgramFixture {
 protected:
  void SetUp() override {
    const std::string missing = test::missing_program();
    if (!missing.empty()) GTEST_SKIP() << missing << " is not installed";
    ProgramFixture::SetUp();
    tgtd = std::make_unique<test::TestTgtd>(dir.path());
    spec = test::device_spec("vm1", test_id(1000));
    spec.session = tgtd->serve(1, test_id(1000), "iqn.2026-01.vbs:node-hv1");
    start_vm("vm1", test::kScsi);
  }

  Result<http::Response> put(const Uuid& id) {
    json::Writer out;
    spec.to_json(out);
    return ask(Method::put, "/v1/devices/" + id.str(), out.take());
  }
  Result<http::Response> remove(const Uuid& id) {
    return ask(Method::del, "/v1/devices/" + id.str(), "", kToken,
               {{"vm", "vm1"}, {"generation", "2"}});
  }

  /// Asks until it is gone, as the front does: QEMU holds on to a disk for some milliseconds after
  /// its device has gone, and whoever asks meanwhile is told so with 202.
  bool removed(const Uuid& id) {
    return test::eventually([&] {
      const auto answer = remove(id);
      EXPECT_TRUE(answer && (answer->status == 202 || answer->status == 204));
      return answer && answer->status == 204;
    });
  }

  std::map<Uuid, qemu::Held> held() {
    auto qmp = connect("vm1");
    EXPECT_TRUE(qmp);
    return qmp ? qemu::look(*qmp).value_or(std::map<Uuid, qemu::Held>{})
               : std::map<Uuid, qemu::Held>{};
  }

  /// Kills the delegate at the point, which the request must pass; then a new one serves.
  void die_at(const std::string& point, const std::function<Result<http::Response>()>& request) {
    start(point + "=kill");
    EXPECT_FALSE(request()) << point;
    ASSERT_TRUE(test::eventually([&] { return daemon.ended(); })) << point << " was not passed";
    EXPECT_EQ(daemon.wait(), 128 + SIGKILL);
    start();
  }

  std::unique_ptr<test::TestTgtd> tgtd;
  wire::DeviceSpec spec;
};

TEST_F(ProgramAttachTest, AnAttachThatDiedIsFinishedOrTakenBack) {
  const char* points[] = {"start",           "after-log-in",   "before-secret",
                          "before-blockdev", "after-blockdev", "before-device",
                          "after-device",    "after-attach",   "before-reply"};
  unsigned number = 0;
  for (const char* point : points) {
    SCOPED_TRACE(point);
    const Uuid finished = test_id(++number);
    die_at(std::string("vmmd.attach.") + point, [&] { return put(finished); });
    EXPECT_EQ(put(finished)->status, 200U);
    EXPECT_TRUE(held().at(finished).complete());
    EXPECT_TRUE(removed(finished));
    EXPECT_TRUE(held().empty());

    const Uuid taken_back = test_id(++number);
    die_at(std::string("vmmd.attach.") + point, [&] { return put(taken_back); });
    EXPECT_TRUE(removed(taken_back));
    EXPECT_TRUE(held().empty());
    EXPECT_EQ(put(taken_back)->status, 409U) << "an order that was overtaken";
  }
}

TEST_F(ProgramAttachTest, ADetachThatDiedIsFinished) {
  const char* points[] = {"start",
                          "before-detach",
                          "before-device-del",
                          "after-device-del",
                          "before-blockdev-del",
                          "after-blockdev-del",
                          "before-reply"};
  unsigned number = 0;
  for (const char* point : points) {
    SCOPED_TRACE(point);
    const Uuid id = test_id(++number);
    start();
    ASSERT_EQ(put(id)->status, 200U);
    daemon.kill();
    die_at(std::string("vmmd.detach.") + point, [&] { return remove(id); });
    EXPECT_TRUE(removed(id));
    EXPECT_TRUE(held().empty());
  }
}

TEST_F(ProgramAttachTest, ADeathWhileClearingLeftoversIsNoLoss) {
  const Uuid id = test_id(1);
  die_at("vmmd.attach.before-blockdev", [&] { return put(id); });
  EXPECT_TRUE(held().at(id).secret);
  daemon.kill();
  die_at("vmmd.detach.after-object-del", [&] { return remove(id); });
  EXPECT_TRUE(held().empty());
  EXPECT_EQ(remove(id)->status, 204U);
}

}  // namespace
}  // namespace vbs::vmm_delegate

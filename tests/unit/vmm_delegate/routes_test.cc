#include "vmm_delegate/routes.h"

#include <gtest/gtest.h>

#include <future>

#include "tests/fakes/fake_hypervisor.h"
#include "tests/fakes/fake_initiator.h"
#include "tests/fakes/fake_lease_helper.h"
#include "tests/unit/vmm_delegate/support.h"

namespace vbs::vmm_delegate {
namespace {

using http::Method;
using test::device_spec;
using test::test_id;

template <class T>
std::string body_of(const T& value) {
  json::Writer out;
  value.to_json(out);
  return out.take();
}

class RoutesTest : public testing::Test {
 protected:
  RoutesTest() {
    hypervisor.add_vm("vm1", true);
    hypervisor.add_vm("bare", false);
    add_routes(router, http::onto(quick), http::onto(slow), {view, devices, sessions, freezes});
  }

  http::Response ask(Method method, const std::string& path, const std::string& body = "",
                     std::vector<std::pair<std::string, std::string>> query = {}) {
    http::Request request;
    request.method = method;
    request.path = path;
    request.body = body;
    request.query = std::move(query);
    std::promise<http::Response> answered;
    router.handle(std::move(request),
                  [&](http::Response response) { answered.set_value(std::move(response)); });
    return answered.get_future().get();
  }

  template <class T>
  T read(const http::Response& response) {
    const auto value = json::parse(response.body);
    const auto read = value ? T::from_json(*value) : Result<T>(fail(value.error()));
    EXPECT_TRUE(read) << response.body;
    return read.value_or(T{});
  }

  test::TempDir dir;
  test::ManualClock clock;
  fakes::FakeHypervisor hypervisor;
  fakes::FakeInitiator initiator{fakes::FakeInitiator::Kind::of_host};
  std::unique_ptr<Generations> generations = *Generations::open(dir.path("generations"), clock);
  AttachmentOrders orders{*generations};
  FreezeStore store = *FreezeStore::open(dir.path("freezes"));
  fakes::FakeLeaseHelper helper{store, hypervisor, clock};
  DeviceService devices{hypervisor, initiator, orders};
  SessionService sessions{initiator, devices, orders};
  FreezeService freezes{hypervisor, helper, store, clock};
  NodeView view{"hv1", "iqn.2026-01.vbs:node-hv1", hypervisor, initiator, freezes};
  http::Router router;
  ThreadPool quick{"quick", 1, 8};
  ThreadPool slow{"slow", 2, 8};
  const std::string device = "/v1/devices/" + test_id(1).str();
  const std::string session = "/v1/sessions/" + test_id(1).str();
  const std::string freeze = "/v1/freezes/" + test_id(2).str();
};

TEST_F(RoutesTest, DisksComeAndGoWhenNoFreezeHoldsTheVm) {
  const auto shown = device_spec("vm1", test_id(100));
  const auto other = "/v1/devices/" + test_id(5).str();
  ASSERT_EQ(ask(Method::put, device, body_of(shown)).status, 200U);
  ASSERT_EQ(ask(Method::put, freeze, body_of(wire::FreezeSpec{"vm1", 5'000, true})).status, 200U);
  for (const auto& refused : {ask(Method::put, other, body_of(device_spec("vm1", test_id(101)))),
                              ask(Method::del, device, "", {{"vm", "vm1"}, {"generation", "2"}})}) {
    EXPECT_EQ(http::error_of(refused).code, ErrorCode::operation_in_progress) << refused.body;
    EXPECT_EQ(http::error_of(refused).operation, test_id(2).str());
  }
  EXPECT_EQ(ask(Method::put, other, body_of(device_spec("bare", test_id(101)))).status, 200U);
  ASSERT_EQ(ask(Method::del, freeze).status, 200U);
  EXPECT_EQ(ask(Method::del, device, "", {{"vm", "vm1"}, {"generation", "2"}}).status, 204U);
}

TEST_F(RoutesTest, SaysWhoItIs) {
  const auto node = read<wire::NodeStatus>(ask(Method::get, "/v1/node"));
  EXPECT_EQ(node.name, "hv1");
  EXPECT_EQ(node.role, "vmm");
  EXPECT_EQ(node.driver, "fake");
  EXPECT_EQ(node.initiator, "iqn.2026-01.vbs:node-hv1");
  EXPECT_TRUE(node.healthy);
  EXPECT_EQ(ask(Method::get, "/healthz").status, 200U);
}

TEST_F(RoutesTest, ListsVms) {
  EXPECT_EQ(ask(Method::get, "/v1/vms").body,
            R"({"vms":[{"name":"bare","state":"running","agent":false,)"
            R"("uuid":"00000000-0000-4000-8000-000000000002"},)"
            R"({"name":"vm1","state":"running","agent":true,)"
            R"("uuid":"00000000-0000-4000-8000-000000000001"}]})");
  EXPECT_EQ(read<wire::VmStatus>(ask(Method::get, "/v1/vms/vm1")).name, "vm1");
  EXPECT_EQ(ask(Method::get, "/v1/vms/vm9").status, 404U);
  EXPECT_EQ(ask(Method::get, "/v1/vms/..").status, 400U);
}

TEST_F(RoutesTest, AttachesAndDetaches) {
  const auto spec = device_spec("vm1", test_id(100));
  EXPECT_EQ(ask(Method::put, session, body_of(spec.session)).status, 200U);
  EXPECT_EQ(ask(Method::get, session).status, 200U);
  const auto put = ask(Method::put, device, body_of(spec));
  EXPECT_EQ(put.status, 200U);
  EXPECT_EQ(put.body.find("secretsecret12"), std::string::npos);
  EXPECT_EQ(read<wire::DeviceStatus>(put).serial, test_id(100).str());
  EXPECT_EQ(ask(Method::get, device).status, 200U);
  EXPECT_EQ(ask(Method::get, device, "", {{"vm", "bare"}}).status, 404U);

  hypervisor.mount("vm1", test_id(100).str(), "/data");
  EXPECT_EQ(ask(Method::del, device, "", {{"vm", "vm1"}, {"generation", "2"}}).status, 409U);
  hypervisor.hold_devices("vm1", true);
  const auto waiting =
      ask(Method::del, device, "", {{"vm", "vm1"}, {"generation", "2"}, {"force", "true"}});
  EXPECT_EQ(waiting.status, 202U);
  EXPECT_EQ(read<wire::DeviceStatus>(waiting).state, "detaching");
  initiator.set_users([&](const Uuid& attachment) { return hypervisor.uses(attachment); });
  EXPECT_TRUE(waiting.headers.find("Vbs-Note"));
  EXPECT_EQ(ask(Method::del, session, "", {{"generation", "2"}}).status, 409U);
  hypervisor.hold_devices("vm1", false);
  EXPECT_EQ(ask(Method::del, device, "", {{"vm", "vm1"}, {"generation", "2"}}).status, 204U);
  EXPECT_EQ(ask(Method::del, session, "", {{"generation", "2"}}).status, 204U);
  EXPECT_EQ(ask(Method::get, device).status, 404U);
}

TEST_F(RoutesTest, ShowsSizes) {
  const auto spec = device_spec("vm1", test_id(100));
  const wire::DeviceSizeSpec wanted{3 << 20, "vm1", 1};
  EXPECT_EQ(ask(Method::put, device + "/size", body_of(wanted)).status, 404U);
  ASSERT_EQ(ask(Method::put, device, body_of(spec)).status, 200U);
  const auto shown = ask(Method::put, device + "/size", body_of(wanted));
  EXPECT_EQ(shown.status, 200U);
  EXPECT_EQ(read<wire::DeviceStatus>(shown).size_bytes, 3U << 20);
  initiator.set_size(3 << 20);
  const auto host =
      ask(Method::put, session + "/size", body_of(wire::SessionSizeSpec{3 << 20, spec.session}));
  EXPECT_EQ(host.status, 200U) << host.body;
  EXPECT_EQ(read<wire::SessionStatus>(host).size_bytes, 3U << 20);
  EXPECT_EQ(host.body.find("secretsecret12"), std::string::npos);
  hypervisor.set_state("vm1", "off");
  EXPECT_EQ(ask(Method::put, device + "/size", body_of(wanted)).status, 204U);
}

TEST_F(RoutesTest, FreezesAndThaws) {
  const auto put = ask(Method::put, freeze, R"({"vm":"vm1","lease_ms":1000,"pause":true})");
  EXPECT_EQ(put.status, 200U);
  EXPECT_EQ(read<wire::FreezeStatus>(put).state, "frozen");
  EXPECT_EQ(ask(Method::get, freeze).status, 200U);
  EXPECT_EQ(read<wire::FreezeStatus>(ask(Method::del, freeze)).state, "thawed");
  EXPECT_EQ(ask(Method::del, "/v1/freezes/" + test_id(3).str()).status, 204U);
}

TEST_F(RoutesTest, RefusesWhatItDoesNotUnderstand) {
  struct Case {
    Method method;
    std::string path;
    std::string body;
    std::vector<std::pair<std::string, std::string>> query;
    std::string said;
  };
  const Case cases[] = {
      {Method::put, "/v1/devices/nonsense", "{}", {}, "attachment"},
      {Method::put, device, "not json", {}, "JSON"},
      {Method::put, device, "{}", {}, "vm"},
      {Method::put, session, "[]", {}, "object"},
      {Method::put, device + "/size", R"({"size_bytes":5,"vm":"vm1","generation":1})", {}, "MiB"},
      {Method::put, device + "/size", R"({"size_bytes":1048576,"generation":1})", {}, "vm"},
      {Method::put, session + "/size", R"({"size_bytes":1048576})", {}, "session"},
      {Method::put, freeze, R"({"vm":"vm1","lease_ms":0})", {}, "lease_ms"},
      {Method::put, freeze, R"({"vm":"vm1","lease_ms":9999999,"pause":false})", {}, "lease_ms"},
      {Method::put, freeze, R"({"vm":"vm1","lease_ms":5})", {}, "pause"},
      {Method::del, device, "", {{"generation", "1"}}, "vm"},
      {Method::del, device, "", {{"vm", "vm1"}}, "generation"},
      {Method::del, device, "", {{"vm", "vm1"}, {"generation", "0"}}, "generation"},
      {Method::del, device, "", {{"vm", "vm1"}, {"generation", "1x"}}, "generation"},
      {Method::del, device, "", {{"vm", "../x"}, {"generation", "1"}}, "vm"},
      {Method::del, device, "", {{"vm", "vm1"}, {"generation", "1"}, {"force", "yes"}}, "force"},
      {Method::del, device, "", {{"vm", "vm1"}, {"vm_uuid", "1"}, {"generation", "1"}}, "vm_uuid"},
      {Method::del, session, "", {}, "generation"},
      {Method::get, device, "", {{"vm", "a b"}}, "vm"},
  };
  for (const Case& one : cases) {
    const auto response = ask(one.method, one.path, one.body, one.query);
    EXPECT_EQ(response.status, 400U) << one.path << " " << one.body << "\n" << response.body;
    EXPECT_NE(response.body.find(one.said), std::string::npos) << response.body;
  }
  EXPECT_TRUE(hypervisor.effects().empty());
}

TEST_F(RoutesTest, TheInventoryTellsWhatAVmThatIsOffWillHave) {
  hypervisor.define("vm1", true);
  ASSERT_EQ(ask(Method::put, device, body_of(device_spec("vm1", test_id(100)))).status, 200U);
  hypervisor.set_state("vm1", "off");
  auto inventory = read<wire::VmmInventory>(ask(Method::get, "/v1/inventory"));
  ASSERT_EQ(inventory.devices.size(), 1U);
  EXPECT_EQ(inventory.devices[0].attachment, test_id(1));
  EXPECT_EQ(inventory.devices[0].state, "detaching");
  EXPECT_EQ(ask(Method::del, device, "", {{"vm", "vm1"}, {"generation", "2"}}).status, 204U);
  inventory = read<wire::VmmInventory>(ask(Method::get, "/v1/inventory"));
  EXPECT_TRUE(inventory.devices.empty());
}

TEST_F(RoutesTest, TheInventoryTellsWhatIsNotKnown) {
  ASSERT_EQ(ask(Method::put, device, body_of(device_spec("vm1", test_id(100)))).status, 200U);
  ASSERT_EQ(ask(Method::put, freeze, R"({"vm":"bare","lease_ms":1000,"pause":true})").status, 200U);
  auto inventory = read<wire::VmmInventory>(ask(Method::get, "/v1/inventory"));
  ASSERT_EQ(inventory.vms.size(), 2U);
  ASSERT_EQ(inventory.devices.size(), 1U);
  EXPECT_EQ(inventory.devices[0].attachment, test_id(1));
  ASSERT_EQ(inventory.sessions.size(), 1U);
  ASSERT_EQ(inventory.freezes.size(), 1U);
  EXPECT_EQ(inventory.freezes[0].vm, "bare");
  hypervisor.set_state("vm1", "unknown");
  inventory = read<wire::VmmInventory>(ask(Method::get, "/v1/inventory"));
  EXPECT_EQ(inventory.vms[1].state, "unknown");
  EXPECT_TRUE(inventory.devices.empty());
}

}  // namespace
}  // namespace vbs::vmm_delegate

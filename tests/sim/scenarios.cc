#include "tests/sim/scenarios.h"

#include <algorithm>
#include <stdexcept>

#include "api/workflow/registry.h"

namespace vbs::sim {

namespace {

using http::Method;

constexpr Milliseconds kTwoSweeps{45'000};

void must(bool done) {
  if (!done) throw std::runtime_error("a world cannot be prepared");
}

std::string snapshot_body(const std::string& volume) {
  return R"({"volume_id":")" + volume + R"("})";
}

std::string make_snapshot(World& world, const std::string& volume) {
  return world.carry_out(Method::post, "/v1/snapshots", snapshot_body(volume))
      .member("snapshot", "id");
}

Request make_larger(const std::string& volume) {
  return {Method::patch, "/v1/volumes/" + volume, R"({"size_bytes":3145728})"};
}

Request make_copy(const std::string& type, const std::string& source) {
  return {Method::post, "/v1/volumes",
          R"({"source":{"type":")" + type + R"(","id":")" + source + R"("}})"};
}

/// Somebody takes the device of an attachment away; the reconciler finds it out.
Request lose_device(World& world) {
  const std::string attachment = world.attach(world.create_volume());
  must(world.vmm.hypervisor.detach("vm1", *Uuid::parse(attachment)).has_value());
  return {};
}

/// A deleted volume is back, as after an order that came very late.
Request bring_back(World& world) {
  const std::string volume = world.create_volume();
  world.carry_out(Method::del, "/v1/volumes/" + volume);
  must(world.volumes.store.create_volume(*Uuid::parse(volume), 1 << 20).has_value());
  return {};
}

Request make_from_image(World& world) {
  world.volumes.store.offer({Uuid::generate(world.clock, world.random), "base", 3 << 20});
  world.time.run_for(kTwoSweeps);
  return {Method::post, "/v1/volumes", R"({"image":"base"})"};
}

std::vector<Scenario> all_scenarios() {
  const auto make = [](World&) {
    return Request{Method::post, "/v1/volumes", R"({"size_bytes":1048576,"name":"v"})"};
  };
  const auto copy_snapshot = [](World& w) {
    return make_copy("snapshot", make_snapshot(w, w.create_volume()));
  };
  const auto copy_volume = [](World& w) { return make_copy("volume", w.create_volume()); };
  const auto grow = [](World& w) { return make_larger(w.create_volume()); };
  const auto grow_attached = [](World& w) {
    const std::string volume = w.create_volume();
    must(!w.attach(volume).empty());
    return make_larger(volume);
  };
  const auto grow_shared = [](World& w) {
    w.vmm.hypervisor.let_readers_grow(true);
    const std::string volume = w.create_volume();
    for (const std::string vm : {"vm1", "vm2"}) {
      w.carry_out(Method::post, "/v1/volumes/" + volume + "/attachments",
                  R"({"read_only":true,"vm":")" + vm + R"("})");
    }
    return make_larger(volume);
  };
  const auto remove = [](World& w) {
    return Request{Method::del, "/v1/volumes/" + w.create_volume(), ""};
  };
  const auto attach = [](World& w) {
    return Request{Method::post, "/v1/volumes/" + w.create_volume() + "/attachments",
                   R"({"vm":"vm1"})"};
  };
  const auto detach = [](World& w) {
    const std::string volume = w.create_volume();
    return Request{Method::del, "/v1/volumes/" + volume + "/attachments/" + w.attach(volume), ""};
  };
  const auto snapshot = [](World& w) {
    const std::string volume = w.create_volume();
    must(!w.attach(volume).empty());
    return Request{Method::post, "/v1/snapshots", snapshot_body(volume)};
  };
  const auto remove_snapshot = [](World& w) {
    return Request{Method::del, "/v1/snapshots/" + make_snapshot(w, w.create_volume()), ""};
  };
  return {{"CreateVolume", "create-volume", make},
          {"CopyOfASnapshot", "create-volume", copy_snapshot},
          {"CopyOfAVolume", "create-volume", copy_volume},
          {"CopyOfAnImage", "create-volume", make_from_image},
          {"ModifyVolume", "modify-volume", grow},
          {"ModifyAttachedVolume", "modify-volume", grow_attached, true},
          {"ModifySharedVolume", "modify-volume", grow_shared, true},
          {"DeleteVolume", "delete-volume", remove},
          {"AttachVolume", "attach-volume", attach, true},
          {"DetachVolume", "detach-volume", detach, true},
          {"CreateSnapshot", "create-snapshot", snapshot, true},
          {"DeleteSnapshot", "delete-snapshot", remove_snapshot},
          {"RepairAttachment", "repair-attachment", lose_device, true},
          {"RemoveLeftover", "remove-leftover", bring_back}};
}

}  // namespace

bool Scenario::has_no_return() const {
  const workflow::Registry registry;
  const auto& steps = registry.find(kind)->steps;
  return std::any_of(steps.begin(), steps.end(),
                     [](const workflow::Step& step) { return step.point_of_no_return; });
}

std::ostream& operator<<(std::ostream& out, const Scenario& scenario) {
  return out << scenario.name;
}

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all = all_scenarios();
  return all;
}

}  // namespace vbs::sim

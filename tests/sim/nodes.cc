#include "tests/sim/nodes.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

namespace vbs::sim {

namespace {

constexpr Milliseconds kTending{2'000};

http::Handler on_the_spot(std::function<http::Response(const http::Request&)> handler) {
  return [handler](http::Request request, http::Responder respond) { respond(handler(request)); };
}

Result<http::Response> serve(Life& life, const http::Router& router, const std::string& node,
                             http::Request request) {
  if (!life.lives()) return fail({ErrorCode::node_unavailable, "connection refused", {}, node, {}});
  std::optional<http::Response> answer;
  const bool survived = life.run([&] {
    router.handle(std::move(request),
                  [&](http::Response response) { answer = std::move(response); });
  });
  if (!survived) return fail({ErrorCode::timeout, "the connection was cut", {}, node, {}});
  return *std::move(answer);
}

}  // namespace

Folder::Folder() {
  // In memory: no power is cut here, and waiting for a disk would be most of a run.
  const std::filesystem::path memory("/dev/shm");
  const auto above =
      access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
  std::string name = above / "vbs-sim-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

VolumeNode::VolumeNode(std::string name, const Surroundings& around)
    : name_(std::move(name)),
      around_(around),
      life_(Process::volume_delegate, around.moments, around.time,
            {[this] { return start(); }, [this] { stop(); }}) {
  target.set_device_size([this](const std::string& device) {
    const auto id = Uuid::parse(std::string_view(device).substr(sizeof("/fake/") - 1, 36));
    const auto volume = store.find_volume(id.value_or(Uuid()));
    return volume ? volume->size_bytes : 0;
  });
  life_.start();
}

/// Copies under way are gone with what they had made, as the real stores see to at their start.
void VolumeNode::stop() {
  router_ = http::Router();
  server_.reset();
  exports_.reset();
  tombstones_.reset();
}

Result<void> VolumeNode::start() {
  auto exports = volume_delegate::ExportRecords::load(outside_exports_);
  if (!exports) return fail(exports.error());
  auto tombstones = volume_delegate::Tombstones::load(outside_tombstones_);
  if (!tombstones) return fail(tombstones.error());
  exports_ = *std::move(exports);
  tombstones_ = *std::move(tombstones);
  auto post_copy = [this](Task task, volume_delegate::Urgency) {
    around_.time.add(copy_time, life_.mortal(std::move(task)));
    return true;
  };
  server_ = std::make_unique<volume_delegate::VolumeServer>(
      volume_delegate::VolumeServerParts{outside_store_, outside_target_, *exports_, *tombstones_,
                                         around_.clock, post_copy, name_, "iqn.2026-01.vbs"});
  server_->add_routes(router_, on_the_spot);
  tend_from_now_on();
  return {};
}

void VolumeNode::restart() {
  life_.kill();
  life_.start();
}

void VolumeNode::tend_from_now_on() {
  server_->tend();
  around_.time.add(kTending, life_.mortal([this] { tend_from_now_on(); }));
}

Result<http::Response> VolumeNode::serve(http::Request request) {
  return sim::serve(life_, router_, name_, std::move(request));
}

std::uint64_t VolumeNode::shown_size(const Uuid& volume) {
  for (const auto& view : target.targets()) {
    if (view.serial == volume.str()) return view.size_bytes;
  }
  return 0;
}

Result<std::string> VolumeNode::log_in(const wire::SessionSpec& spec) {
  for (const auto& view : target.targets()) {
    if (view.iqn != spec.iqn || view.device.empty()) continue;
    if (view.allowed.empty()) return fail(ErrorCode::forbidden, "nobody may log in");
    return view.serial;
  }
  return fail(ErrorCode::not_found, "there is no target " + spec.iqn);
}

std::string_view to_string(InitiatorKind kind) {
  return kind == InitiatorKind::of_host ? "the host logs in" : "VMs log in";
}

/// What dies with the process.
struct VmmNode::Delegate {
  Delegate(VmmNode& node, std::unique_ptr<vmm_delegate::Generations> seen)
      : generations(std::move(seen)),
        orders(*generations),
        devices(node.outside_hypervisor_, node.outside_initiator_, orders),
        sessions(node.outside_initiator_, devices, orders),
        freezes(node.outside_hypervisor_, node.outside_helper_, node.freezes_, node.around_.clock),
        view(node.name_, "iqn.2026-01.vbs:node-" + node.name_, node.outside_hypervisor_,
             node.outside_initiator_, freezes) {}

  std::unique_ptr<vmm_delegate::Generations> generations;
  vmm_delegate::AttachmentOrders orders;
  vmm_delegate::DeviceService devices;
  vmm_delegate::SessionService sessions;
  vmm_delegate::FreezeService freezes;
  vmm_delegate::NodeView view;
};

VmmNode::VmmNode(std::string name, const Surroundings& around, InitiatorKind kind)
    : initiator(kind),
      name_(std::move(name)),
      around_(around),
      freezes_(*vmm_delegate::FreezeStore::open(around.folder.path("freezes-" + name_))),
      helper_(freezes_, hypervisor, around.clock),
      life_(Process::vmm_delegate, around.moments, around.time,
            {[this] { return start(); }, [this] { stop(); }}) {
  initiator.set_users([this](const Uuid& attachment) { return hypervisor.uses(attachment); });
  helper_.set_alarm([this](Milliseconds in) { around_.time.add(in, [this] { helper_.look(); }); });
  hypervisor.add_vm("vm1", true);
  hypervisor.add_vm("vm2", false);
  life_.start();
}

VmmNode::~VmmNode() = default;

void VmmNode::stop() {
  router_ = http::Router();
  delegate_.reset();
}

Result<void> VmmNode::start() {
  auto seen =
      vmm_delegate::Generations::open(around_.folder.path("generations-" + name_), around_.clock);
  if (!seen) return fail(seen.error());
  delegate_ = std::make_unique<Delegate>(*this, *std::move(seen));
  vmm_delegate::add_routes(
      router_, on_the_spot, on_the_spot,
      {delegate_->view, delegate_->devices, delegate_->sessions, delegate_->freezes});
  return {};
}

void VmmNode::restart() {
  life_.kill();
  life_.start();
}

Result<http::Response> VmmNode::serve(http::Request request) {
  return sim::serve(life_, router_, name_, std::move(request));
}

}  // namespace vbs::sim

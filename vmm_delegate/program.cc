#include "vmm_delegate/program.h"

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <functional>

#include "common/http/blocking.h"
#include "common/http/server.h"
#include "common/secret_file.h"
#include "common/service_signals.h"
#include "vmm_delegate/freeze/lease_lock.h"
#include "vmm_delegate/freeze/lease_watch.h"
#include "vmm_delegate/freeze/thaw_process.h"
#include "vmm_delegate/routes.h"
#include "vmm_delegate/service_manager.h"
#include "vmm_delegate/startup_files.h"

namespace vbs::vmm_delegate {
namespace {

constexpr unsigned kQuickThreads = 2;
constexpr unsigned kSlowThreads = 16;
constexpr std::size_t kQueue = 256;
constexpr std::size_t kBodyLimit = 64 * 1024;

Result<std::string> thaw_program() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string path = (self.parent_path() / "vbs-thaw").string();
  if (!error && ::access(path.c_str(), X_OK) == 0) return path;
  return fail(ErrorCode::internal, "the lease helper " + path +
                                       " is missing; it is installed beside "
                                       "vbs-vmmd");
}

/// Everything behind the REST surface, made in this order.
struct Node {
  Node(const Settings& settings, std::unique_ptr<Initiator> sessions_by,
       std::unique_ptr<Generations> seen, FreezeStore freeze_store, ThawProcess thaw)
      : generations(std::move(seen)),
        helper(std::move(thaw)),
        hypervisor(make_hypervisor(settings.hypervisor, settings.initiator.name)),
        initiator(std::move(sessions_by)),
        orders(*generations),
        devices(*hypervisor, *initiator, orders),
        sessions(*initiator, devices, orders),
        freezes(*hypervisor, helper, std::move(freeze_store), clock),
        view(settings.name, settings.initiator.name, *hypervisor, *initiator, freezes) {}

  SystemClock clock;
  std::unique_ptr<Generations> generations;
  ThawProcess helper;
  std::unique_ptr<Hypervisor> hypervisor;
  std::unique_ptr<Initiator> initiator;
  AttachmentOrders orders;
  DeviceService devices;
  SessionService sessions;
  FreezeService freezes;
  NodeView view;
};

/// What is done again and again, and never twice at a time: one that waits for a VM or a target
/// must not pile up more of them.
class Chore {
 public:
  Chore(ThreadPool& pool, std::function<void()> work) : pool_(pool), work_(std::move(work)) {}

  void post() {
    if (under_way_.exchange(true)) return;
    const bool posted = pool_.try_post([this] {
      work_();
      under_way_ = false;
    });
    if (!posted) under_way_ = false;
  }

 private:
  ThreadPool& pool_;
  const std::function<void()> work_;
  std::atomic<bool> under_way_ = false;
};

void tend(Node& node) {
  node.freezes.sweep();
  if (auto pruned = node.generations->prune(); !pruned) {
    log::warning("cannot forget old generations", {{"error", describe(pruned.error())}});
  }
}

Result<void> serve(const Settings& settings, Node& node, Secret token,
                   const ServiceSignals& signals) {
  // The pools outlive the server, whose handlers run on them.
  ThreadPool quick("vmmd-quick", kQuickThreads, kQueue);
  ThreadPool slow("vmmd-slow", kSlowThreads, kQueue);
  http::Router router;
  add_routes(router, http::onto(quick), http::onto(slow),
             {node.view, node.devices, node.sessions, node.freezes});
  http::ServerOptions options;
  options.body_limit = kBodyLimit;
  if (auto ok = http::apply_link(settings.link, options); !ok) return ok;
  auto server = http::Server::start(
      options, http::only_for_front(settings.link, std::move(token),
                                    [&router](http::Request request, http::Responder respond) {
                                      router.handle(std::move(request), std::move(respond));
                                    }));
  if (!server) return fail(server.error());
  log::info("serving", {{"name", settings.name},
                        {"address", settings.link.address},
                        {"port", std::int64_t{(*server)->port()}},
                        {"tls", settings.link.tls.empty() ? "no" : "yes"},
                        {"initiator", settings.initiator.name},
                        {"driver", settings.hypervisor.driver},
                        {"place", settings.hypervisor.place},
                        {"version", VBS_VERSION}});
  Chore tending(quick, [&] { tend(node); });
  Chore logging_in(slow, [&] { node.initiator->bring_back(); });
  signals.wait_for_stop([&] { http::reload_certificates(options.tls); },
                        [&] {
                          tending.post();
                          logging_in.post();
                        });
  log::info("stopping");
  (*server)->stop();
  slow.stop();
  quick.stop();
  return {};
}

}  // namespace

Result<void> run(const Settings& settings, const std::string& config) {
  const ServiceSignals signals;
  log::start(settings.log);
  auto token = read_secret_file(settings.token_file, "token_file");
  if (!token) return fail(token.error());
  const auto state = StateLock::take(settings.state_dir);
  if (!state) return fail(state.error());
  auto program = thaw_program();
  if (!program) return fail(program.error());
  SystemClock clock;
  auto generations = Generations::open(settings.generations_dir(), clock);
  if (!generations) return fail(generations.error());
  auto store = FreezeStore::open(settings.freezes_dir());
  if (!store) return fail(store.error());
  if (auto tidied = store->tidy(); !tidied) return tidied;
  ThawProcess helper(*program, std::filesystem::absolute(config).string(), settings.helper_log(),
                     *store);
  auto initiator = make_initiator(
      settings.initiator,
      [&seen = **generations](const Uuid& attachment) { return seen.is_removed(attachment); });
  if (!initiator) return fail(initiator.error());
  // The disks of this host's VMs are back: libvirtd may start them now. Not later, since what comes
  // next may ask libvirtd something.
  if (auto told = tell_ready(); !told) return told;
  Node node(settings, *std::move(initiator), *std::move(generations), *store, std::move(helper));
  tend(node);  // before the first request: nothing that an earlier run left frozen stays so
  return serve(settings, node, *std::move(token), signals);
}

Result<void> run_lease_helper(const Settings& settings, const Uuid& freeze) {
  log::start({"vbs-thaw", settings.log.file, settings.log.level});
  auto store = FreezeStore::open(settings.freezes_dir());
  if (!store) return fail(store.error());
  const auto record = store->record(freeze);
  if (!record) return fail(record.error());
  if (!*record) return fail(ErrorCode::not_found, "there is no freeze " + freeze.str());
  const auto hypervisor = make_hypervisor(settings.hypervisor, settings.initiator.name);
  // The lock says that the lease is watched: from here on nothing may fail.
  const auto lock = LeaseLock::take(store->lock_path(freeze));
  if (!lock) return fail(lock.error());
  if (!*lock) return {};
  SystemClock clock;
  watch_lease(*store, *hypervisor, **record, clock);
  return {};
}

}  // namespace vbs::vmm_delegate

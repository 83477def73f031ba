#include "volume_delegate/program.h"

#include <utility>

#include "common/http/blocking.h"
#include "common/http/router.h"
#include "common/secret_file.h"
#include "common/service_signals.h"
#include "common/thread_pool.h"
#include "volume_delegate/export_settings.h"
#include "volume_delegate/state_directory.h"
#include "volume_delegate/store/make_store.h"
#include "volume_delegate/target/make_target.h"
#include "volume_delegate/volume_server.h"
#include "volume_delegate/watcher.h"

namespace vbs::volume_delegate {
namespace {

constexpr unsigned kHandlerThreads = 8;
constexpr std::size_t kHandlerQueue = 256;
constexpr std::size_t kCopyQueue = 1024;
/// More guests are hardly held still at once; the threads sleep otherwise.
constexpr unsigned kUrgentThreads = 4;
/// They share one rate; with several, a small volume does not wait for a large one.
constexpr unsigned kZeroingThreads = 4;
/// The store keeps its own pace; this bounds how late it is.
constexpr Milliseconds kTendStoreEvery{500};
/// A dead target daemon is noticed within this.
constexpr Milliseconds kTendEvery{500};
constexpr Milliseconds kFirstTend{5'000};

/// What survives the process, and the interfaces to the outside.
struct Outside {
  SystemClock clock;
  std::unique_ptr<DirectoryRecords> export_folder;
  std::unique_ptr<DirectoryRecords> tombstone_folder;
  std::unique_ptr<ExportRecords> exports;
  std::unique_ptr<Tombstones> tombstones;
  std::unique_ptr<BackingStore> store;
  std::unique_ptr<TargetDriver> target;
};

Result<void> open_records(const Settings& settings, Outside& outside) {
  auto export_folder = DirectoryRecords::open(settings.state_dir + "/exports");
  if (!export_folder) return fail(export_folder.error());
  auto tombstone_folder = DirectoryRecords::open(settings.state_dir + "/tombstones");
  if (!tombstone_folder) return fail(tombstone_folder.error());
  outside.export_folder = std::make_unique<DirectoryRecords>(std::move(*export_folder));
  outside.tombstone_folder = std::make_unique<DirectoryRecords>(std::move(*tombstone_folder));
  auto exports = ExportRecords::load(*outside.export_folder);
  if (!exports) return fail(exports.error());
  auto tombstones = Tombstones::load(*outside.tombstone_folder);
  if (!tombstones) return fail(tombstones.error());
  outside.exports = std::move(*exports);
  outside.tombstones = std::move(*tombstones);
  return {};
}

Result<void> open_outside(const Settings& settings, Outside& outside) {
  if (auto ok = open_records(settings, outside); !ok) return ok;
  auto store = make_store(settings.store, outside.clock);
  if (!store) return fail(store.error());
  auto target = make_target(settings.target);
  if (!target) return fail(target.error());
  outside.store = std::move(*store);
  outside.target = std::move(*target);
  return check_exports_keep_their_target(*outside.export_folder, *outside.target,
                                         settings.target.iqn_prefix, *outside.exports);
}

void log_start(const Settings& settings, const Outside& outside, std::uint16_t port) {
  log::info("serving", {{"name", settings.name},
                        {"address", settings.link.address},
                        {"port", std::int64_t{port}},
                        {"tls", settings.link.tls.empty() ? "no" : "yes"},
                        {"target", outside.target->name()},
                        {"portal", outside.target->portal()},
                        {"version", VBS_VERSION}});
}

}  // namespace

Result<void> run(const Settings& settings) {
  const ServiceSignals signals;
  log::start(settings.log);
  auto token = read_secret_file(settings.token_file, "token_file");
  if (!token) return fail(token.error());
  http::ServerOptions options;
  if (auto ok = http::apply_link(settings.link, options); !ok) return ok;
  const auto state = StateDirectory::take(settings.state_dir);
  if (!state) return fail(state.error());
  Outside outside;
  if (auto ok = open_outside(settings, outside); !ok) return ok;

  ThreadPool handlers("volumed-http", kHandlerThreads, kHandlerQueue);
  ThreadPool copies("volumed-copy", settings.copy_threads, kCopyQueue);
  ThreadPool urgent_copies("volumed-urgent", kUrgentThreads, kCopyQueue);
  ThreadPool zeroing("volumed-zero", kZeroingThreads, kCopyQueue);
  const auto post_copy = [&](Task task, Urgency urgency) {
    if (urgency == Urgency::guest_waits) return urgent_copies.try_post(std::move(task));
    return (urgency == Urgency::only_zeros ? zeroing : copies).try_post(std::move(task));
  };
  VolumeServer server({*outside.store, *outside.target, *outside.exports, *outside.tombstones,
                       outside.clock, post_copy, settings.name, settings.target.iqn_prefix});
  http::Router router;
  server.add_routes(router, http::onto(handlers));
  outside.store->tend();  // volumes have their devices before exports are made of them
  Watcher watcher(kTendEvery, [&server] { server.tend(); });
  // Exports are back as soon as this answers, but where a device hangs the others want answers,
  // too.
  if (!watcher.await_first_look(kFirstTend)) log::warning("serving before all exports are back");
  const Watcher store_watcher(kTendStoreEvery, [&outside] { outside.store->tend(); });
  auto listening = http::Server::start(
      options, http::only_for_front(settings.link, std::move(*token),
                                    [&router](http::Request request, http::Responder respond) {
                                      router.handle(std::move(request), std::move(respond));
                                    }));
  if (!listening) {
    urgent_copies.stop();
    zeroing.stop();
    copies.stop();
    handlers.stop();
    return fail(listening.error());
  }
  log_start(settings, outside, (*listening)->port());

  signals.wait_for_stop([&] { http::reload_certificates(options.tls); });
  log::info("stopping");
  (*listening)->stop();
  handlers.stop();
  server.cancel_copies();
  urgent_copies.stop();
  zeroing.stop();
  copies.stop();
  return {};
}

}  // namespace vbs::volume_delegate

#include "vmm_delegate/freeze/freeze_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <set>

#include "common/file.h"
#include "common/json.h"
#include "common/private_folder.h"
#include "vmm_delegate/folder.h"

namespace vbs::vmm_delegate {
namespace {

constexpr std::string_view kRecord = ".json";
constexpr std::string_view kLock = ".lock";
constexpr std::string_view kActing = ".acting";
constexpr std::string_view kHeld = ".held";

struct PhaseName {
  std::string_view suffix;
  FreezePhase phase;
};

// In the order in which a freeze passes through them: whoever looks in this order cannot miss a
// file that is renamed meanwhile.
const std::array kPhases{
    PhaseName{kHeld, {true, std::nullopt, false}},
    PhaseName{".thawed", {true, Ending::thawed, false}},
    PhaseName{".expired", {true, Ending::expired, false}},
    PhaseName{".thawed-done", {true, Ending::thawed, true}},
    PhaseName{".expired-done", {true, Ending::expired, true}},
};

std::string_view suffix_of(Ending ending, bool done) {
  if (ending == Ending::thawed) return done ? ".thawed-done" : ".thawed";
  return done ? ".expired-done" : ".expired";
}

tl::unexpected<Error> file_error(const std::string& path, int number) {
  const auto code = number == ENOSPC ? ErrorCode::insufficient_space : ErrorCode::internal;
  return fail(code, path + ": " + errno_text(number));
}

std::string to_text(const FreezeRecord& record) {
  json::Writer out;
  out.begin_object();
  out.key("spec");
  record.spec.to_json(out);
  out.member("expires_monotonic_ns",
             static_cast<std::int64_t>(record.expires.time_since_epoch().count()));
  out.member("freeze_files", record.freeze_files);
  out.member("stop", record.stop);
  out.member("complete", record.complete);
  out.member("writes", record.writes);
  out.member("consistency", record.consistency);
  out.end_object();
  return out.take();
}

Result<FreezeRecord> from_text(const Uuid& id, const std::string& text) {
  const auto value = json::parse(text);
  if (!value) return fail(value.error());
  json::Fields fields(*value);
  FreezeRecord record;
  record.id = id;
  if (const json::Value* spec = fields.object("spec")) {
    auto read = wire::FreezeSpec::from_json(*spec);
    if (!read) return fail(read.error());
    record.spec = *std::move(read);
  }
  record.expires = MonotonicTime(std::chrono::nanoseconds(fields.int64("expires_monotonic_ns")));
  record.freeze_files = fields.boolean("freeze_files");
  record.stop = fields.boolean("stop");
  record.complete = fields.boolean("complete");
  record.writes = fields.int64("writes");
  record.consistency = fields.string("consistency");
  if (auto read = fields.finish(); !read) return fail(read.error());
  return record;
}

}  // namespace

FreezeStore::FreezeStore(std::string folder) : folder_(std::move(folder)) {}

Result<FreezeStore> FreezeStore::open(std::string folder) {
  if (auto made = make_private_folder(folder); !made) return fail(made.error());
  return FreezeStore(std::move(folder));
}

std::string FreezeStore::path(const Uuid& id, std::string_view suffix) const {
  return folder_ + "/" + id.str() + std::string(suffix);
}

std::string FreezeStore::lock_path(const Uuid& id) const {
  return path(id, kLock);
}

std::string FreezeStore::acting_path(const Uuid& id) const {
  return path(id, kActing);
}

Result<std::vector<Uuid>> FreezeStore::ids() const {
  std::set<Uuid> all;
  for (const PhaseName& name : kPhases) {
    const auto some = ids_in(folder_, name.suffix);
    if (!some) return fail(some.error());
    all.insert(some->begin(), some->end());
  }
  return std::vector<Uuid>(all.begin(), all.end());
}

Result<FreezePhase> FreezeStore::phase(const Uuid& id) const {
  for (const PhaseName& name : kPhases) {
    const std::string file = path(id, name.suffix);
    if (::access(file.c_str(), F_OK) == 0) return name.phase;
    if (errno != ENOENT) return file_error(file, errno);
  }
  return FreezePhase{};
}

Result<std::optional<FreezeRecord>> FreezeStore::record(const Uuid& id) const {
  const std::string file = path(id, kRecord);
  const auto text = read_file(file);
  if (!text && text.error().code == ErrorCode::not_found) return std::optional<FreezeRecord>();
  if (!text) return fail(text.error());
  auto record = from_text(id, *text);
  if (!record) return fail(ErrorCode::internal, file + ": " + describe(record.error()));
  return std::optional<FreezeRecord>(*std::move(record));
}

Result<void> FreezeStore::save(const FreezeRecord& record) {
  return write_file_durably(path(record.id, kRecord), to_text(record), 0600);
}

Result<void> FreezeStore::begin(const FreezeRecord& record) {
  if (auto saved = save(record); !saved) return saved;
  return write_file_durably(path(record.id, kHeld), "", 0600);
}

Result<void> FreezeStore::bury(const Uuid& id) {
  return write_file_durably(path(id, suffix_of(Ending::thawed, true)), "", 0600);
}

Result<Ending> FreezeStore::end(const Uuid& id, Ending wanted) {
  const std::string from = path(id, kHeld);
  if (::rename(from.c_str(), path(id, suffix_of(wanted, false)).c_str()) == 0) {
    if (auto synced = sync_directory(folder_); !synced) return fail(synced.error());
    return wanted;
  }
  if (errno != ENOENT) return file_error(from, errno);
  const auto now = phase(id);
  if (!now) return fail(now.error());
  if (now->ending) return *now->ending;
  return fail(ErrorCode::not_found, "there is no freeze " + id.str());
}

Result<void> FreezeStore::finish(const Uuid& id, Ending ending) {
  const std::string from = path(id, suffix_of(ending, false));
  const std::string to = path(id, suffix_of(ending, true));
  if (::rename(from.c_str(), to.c_str()) == 0) return sync_directory(folder_);
  const int number = errno;
  if (number == ENOENT && ::access(to.c_str(), F_OK) == 0) return {};
  return file_error(from, number);
}

Result<void> FreezeStore::forget(const Uuid& id) {
  // The phase first: without it the id is unknown, whatever else is there.
  for (const PhaseName& name : kPhases) {
    if (auto gone = remove_file_durably(path(id, name.suffix)); !gone) return gone;
  }
  for (const std::string_view suffix : {kRecord, kLock, kActing}) {
    if (auto gone = remove_file_durably(path(id, suffix)); !gone) return gone;
  }
  return {};
}

Result<void> FreezeStore::tidy() {
  if (auto removed = remove_temporary_files(folder_); !removed) return removed;
  for (const std::string_view suffix : {kRecord, kLock, kActing}) {
    const auto all = ids_in(folder_, suffix);
    if (!all) return fail(all.error());
    for (const Uuid& id : *all) {
      const auto now = phase(id);
      if (!now) return fail(now.error());
      if (now->known) continue;
      if (auto gone = forget(id); !gone) return gone;
    }
  }
  return {};
}

Result<WallTime> FreezeStore::changed(const Uuid& id) const {
  for (const PhaseName& name : kPhases) {
    struct stat status {};
    if (::stat(path(id, name.suffix).c_str(), &status) != 0) continue;
    // A rename sets the inode's change time.
    const auto since_epoch = std::chrono::seconds(status.st_ctim.tv_sec) +
                             std::chrono::nanoseconds(status.st_ctim.tv_nsec);
    return WallTime(std::chrono::floor<Milliseconds>(since_epoch));
  }
  return fail(ErrorCode::not_found, "there is no freeze " + id.str());
}

}  // namespace vbs::vmm_delegate

#include "vmm_delegate/generations.h"

#include <vector>

#include "common/file.h"
#include "common/json.h"
#include "common/private_folder.h"
#include "vmm_delegate/folder.h"

namespace vbs::vmm_delegate {
namespace {

constexpr std::string_view kSuffix = ".json";
constexpr std::chrono::days kKeepRemoved{7};

}  // namespace

Generations::Generations(std::string folder, Clock& clock)
    : folder_(std::move(folder)), clock_(clock) {}

Result<std::unique_ptr<Generations>> Generations::open(std::string folder, Clock& clock) {
  if (auto made = make_private_folder(folder); !made) return fail(made.error());
  if (auto removed = remove_temporary_files(folder); !removed) return fail(removed.error());
  std::unique_ptr<Generations> generations(new Generations(std::move(folder), clock));
  if (auto loaded = generations->load(); !loaded) return fail(loaded.error());
  return generations;
}

std::string Generations::path_of(const Uuid& attachment) const {
  return folder_ + "/" + attachment.str() + std::string(kSuffix);
}

Result<void> Generations::load() {
  const auto ids = ids_in(folder_, kSuffix);
  if (!ids) return fail(ids.error());
  for (const Uuid& attachment : *ids) {
    const std::string path = path_of(attachment);
    const auto text = read_file(path);
    if (!text) return fail(text.error());
    const auto value = json::parse(*text);
    if (!value) return fail(ErrorCode::internal, path + ": " + describe(value.error()));
    json::Fields fields(*value);
    Seen seen;
    seen.generation = fields.int64("generation");
    seen.removed_at_ms = fields.int64("removed_at_ms");
    if (auto read = fields.finish(); !read) {
      return fail(ErrorCode::internal, path + ": " + describe(read.error()));
    }
    seen_[attachment] = seen;
  }
  return {};
}

Result<void> Generations::accept(const Uuid& attachment, std::int64_t generation, Order order) {
  const std::lock_guard lock(mutex_);
  const auto known = seen_.find(attachment);
  const Seen before = known == seen_.end() ? Seen{} : known->second;
  const bool newer = generation > before.generation;
  const bool removed = before.removed_at_ms != 0;
  if (generation < before.generation || (!newer && removed && order == Order::make)) {
    return fail(ErrorCode::stale_generation,
                "order " + std::to_string(generation) + " for attachment " + attachment.str() +
                    " was overtaken by order " + std::to_string(before.generation));
  }
  if (!newer) return {};
  // To remove what is removed already does not bring it back.
  return save(attachment, {generation, order == Order::remove ? before.removed_at_ms : 0});
}

Result<void> Generations::removed(const Uuid& attachment) {
  const std::lock_guard lock(mutex_);
  const auto known = seen_.find(attachment);
  if (known == seen_.end() || known->second.removed_at_ms != 0) return {};
  return save(attachment, {known->second.generation, to_millis(clock_.wall())});
}

bool Generations::is_removed(const Uuid& attachment) {
  const std::lock_guard lock(mutex_);
  const auto known = seen_.find(attachment);
  return known != seen_.end() && known->second.removed_at_ms != 0;
}

Result<void> Generations::save(const Uuid& attachment, const Seen& seen) {
  json::Writer out;
  out.begin_object();
  out.member("generation", seen.generation);
  out.member("removed_at_ms", seen.removed_at_ms);
  out.end_object();
  auto written = write_file_durably(path_of(attachment), out.take(), 0600);
  if (written) seen_[attachment] = seen;
  return written;
}

Result<void> Generations::prune() {
  const std::lock_guard lock(mutex_);
  const std::int64_t oldest = to_millis(clock_.wall() - kKeepRemoved);
  for (auto entry = seen_.begin(); entry != seen_.end();) {
    const std::int64_t removed = entry->second.removed_at_ms;
    if (removed == 0 || removed >= oldest) {
      ++entry;
      continue;
    }
    if (auto gone = remove_file_durably(path_of(entry->first)); !gone) return gone;
    entry = seen_.erase(entry);
  }
  return {};
}

}  // namespace vbs::vmm_delegate

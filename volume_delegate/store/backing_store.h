#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/ids.h"

namespace vbs::volume_delegate {

enum class ObjectKind {
  volume,
  snapshot,
  image,  ///< what an operator offers to copy from: only ever a source
};
/// "volume", "snapshot", "image": also the wire's `source_kind`.
std::string_view to_string(ObjectKind kind);

/// One object, for instance what another one was copied from.
struct ObjectRef {
  ObjectKind kind = ObjectKind::volume;
  Uuid id;
  auto operator<=>(const ObjectRef&) const = default;
  /// "volume 0190..."
  std::string str() const { return std::string(to_string(kind)) + " " + id.str(); }
};

struct StoredVolume {
  Uuid id;
  std::uint64_t size_bytes = 0;
  std::uint64_t allocated_bytes = 0;
  std::int64_t snapshot_estimate_ms = 0;  ///< 0: at once, whatever the size
  std::optional<ObjectRef> source;        ///< where the store remembers it
};

struct StoredSnapshot {
  Uuid id;
  Uuid volume;
  std::uint64_t size_bytes = 0;
  bool lost = false;  ///< its bytes are not those of that moment any more: it can only be deleted
};

/// What an operator offers to make volumes from. Nobody may be able to write to it, or it is no
/// source (`conflict`); the store never changes it, nor what it is in.
struct StoredImage {
  Uuid id;
  std::string name;  ///< check_resource_name; "" if it has none
  std::uint64_t size_bytes = 0;
};

/// The answer of `grow_volume` for a volume that has more than it is asked to have.
tl::unexpected<Error> cannot_shrink(const Uuid& id, std::uint64_t size_bytes);

/// Everything in the store; `foreign` is what it did not make and will not touch.
struct StoreListing {
  std::vector<StoredVolume> volumes;
  std::vector<StoredSnapshot> snapshots;
  std::vector<StoredImage> images;
  std::vector<std::string> foreign;
};

struct StoreSpace {
  std::uint64_t capacity_bytes = 0;  ///< what may be promised in all
  std::uint64_t reserved_bytes = 0;  ///< of that, promised: full sizes, copies under way included
};

/// Shared between a copy and those who watch it. Thread-safe.
struct CopyControl {
  std::atomic<std::uint64_t> copied_bytes{0};  ///< how far into the source, holes included
  std::atomic<bool> cancelled{false};
};

/// A volume or snapshot that is about to be made: its source, if it has one, was found, and its
/// space is reserved. Dropped without having been run to success it leaves nothing behind.
class PreparedCopy {
 public:
  virtual ~PreparedCopy() = default;
  virtual std::uint64_t size_bytes() const = 0;
  /// Whether `run` returns at once (shared extents) instead of moving or zeroing every byte.
  virtual bool at_once() const = 0;
  /// Blocks. On success the object exists for good; on error, or `conflict` when cancelled, it does
  /// not exist. Called once.
  virtual Result<void> run(CopyControl& control) = 0;
};

/// How far a growth is.
struct Growth {
  bool done = true;  ///< else what is new is being zeroed, and the volume still has its old size
  std::uint64_t size_bytes = 0;  ///< what it will have
  std::uint64_t ready_bytes = 0;
};

/// How far a removal is.
struct Removal {
  bool gone = true;  ///< else its bytes are being wiped: nobody can use it, its space is not free
  std::uint64_t size_bytes = 0;
  std::uint64_t wiped_bytes = 0;
};

/// Where volumes and snapshots are kept. Calls block and may come from any thread; the caller
/// keeps two calls about one id apart. Sizes are whole MiB. What a call made is durable when it
/// returns, and a crash in the middle leaves either nothing or the whole object.
///
/// Errors: not_found (the object, or with field "source" the source), insufficient_space (with the
/// numbers), already_exists.
class BackingStore {
 public:
  virtual ~BackingStore() = default;

  virtual std::string name() const = 0;  ///< "file"
  /// Whether a snapshot dies with its volume.
  virtual bool snapshots_need_volume() const = 0;

  virtual Result<StoreSpace> space() = 0;
  virtual Result<StoreListing> list() = 0;
  virtual Result<StoredVolume> find_volume(const Uuid& id) = 0;
  virtual Result<StoredSnapshot> find_snapshot(const Uuid& id) = 0;
  /// Size of an object that may serve as the source of a copy.
  virtual Result<std::uint64_t> source_size(const ObjectRef& source) = 0;

  /// All zeros.
  virtual Result<std::unique_ptr<PreparedCopy>> prepare_empty(const Uuid& id,
                                                              std::uint64_t size_bytes) = 0;
  /// A volume of `size_bytes`, not smaller than its source; the rest is zeros.
  virtual Result<std::unique_ptr<PreparedCopy>> prepare_volume(const Uuid& id,
                                                               std::uint64_t size_bytes,
                                                               const ObjectRef& source) = 0;
  virtual Result<std::unique_ptr<PreparedCopy>> prepare_snapshot(const Uuid& id,
                                                                 const Uuid& volume) = 0;

  /// Makes the volume that large; what is new reads as zeros, what was there stays, and whoever has
  /// it open may go on. Success where it is that large already. invalid_field "size_bytes" where it
  /// is larger: nothing shrinks. Where it is not done at once, the store goes on by itself, after a
  /// restart too; ask again. A crash in the middle leaves the old size or the new one.
  virtual Result<Growth> grow_volume(const Uuid& id, std::uint64_t size_bytes) = 0;

  /// Removing what is absent succeeds. `conflict` where somebody has it open or another object
  /// needs it. Where it is not gone at once, the store goes on by itself, after a restart too; ask
  /// again.
  virtual Result<Removal> remove_volume(const Uuid& id) = 0;
  virtual Result<Removal> remove_snapshot(const Uuid& id) = 0;

  /// Upkeep: finishes or removes what was left half-made, and watches what may fill up. To be
  /// called every second or so, by one thread.
  virtual void tend() {}
  /// What an operator should look at although everything still works, "" if nothing.
  virtual std::string warning() { return ""; }

  /// What a target daemon has to open for a volume.
  virtual std::string device(const Uuid& volume) const = 0;

  /// prepare_empty, run here and now.
  Result<void> create_volume(const Uuid& id, std::uint64_t size_bytes);
};

}  // namespace vbs::volume_delegate

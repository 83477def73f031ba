#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "volume_delegate/store/backing_store.h"

namespace vbs::fakes {

/// A store in memory that keeps sizes and what was copied from what, but no bytes. Thread-safe.
class FakeBackingStore final : public volume_delegate::BackingStore {
 public:
  using ObjectRef = volume_delegate::ObjectRef;

  /// `copies_at_once`: as with reflinks; else copies wait for their turn in the background.
  explicit FakeBackingStore(std::uint64_t capacity_bytes, bool copies_at_once = false)
      : capacity_bytes_(capacity_bytes), copies_at_once_(copies_at_once) {}

  std::string name() const override { return "fake"; }
  bool snapshots_need_volume() const override { return false; }
  Result<volume_delegate::StoreSpace> space() override;
  Result<volume_delegate::StoreListing> list() override;
  Result<volume_delegate::StoredVolume> find_volume(const Uuid& id) override;
  Result<volume_delegate::StoredSnapshot> find_snapshot(const Uuid& id) override;
  Result<std::uint64_t> source_size(const ObjectRef& source) override;
  Result<std::unique_ptr<volume_delegate::PreparedCopy>> prepare_empty(
      const Uuid& id, std::uint64_t size_bytes) override;
  Result<std::unique_ptr<volume_delegate::PreparedCopy>> prepare_volume(
      const Uuid& id, std::uint64_t size_bytes, const ObjectRef& source) override;
  Result<std::unique_ptr<volume_delegate::PreparedCopy>> prepare_snapshot(
      const Uuid& id, const Uuid& volume) override;
  Result<volume_delegate::Growth> grow_volume(const Uuid& id, std::uint64_t size_bytes) override;
  Result<volume_delegate::Removal> remove_volume(const Uuid& id) override;
  Result<volume_delegate::Removal> remove_snapshot(const Uuid& id) override;
  std::string device(const Uuid& volume) const override { return "/fake/" + volume.str() + ".img"; }

  /// Called at the start of every call that changes something ("create", "prepare", "copy",
  /// "grow", "remove") with the object; an error is returned instead of doing it.
  using Fault = std::function<Result<void>(const std::string& call, const ObjectRef& object)>;
  void set_fault(Fault fault);
  /// How long a snapshot is said to take where copies wait for their turn; 1 ms from the start.
  void set_snapshot_estimate(std::int64_t milliseconds);
  /// Whether what is removed stays to be wiped, until this is taken back.
  void set_wiping(bool wiping);
  /// An operator offers an image, or takes the offer back.
  void offer(const volume_delegate::StoredImage& image);
  void withdraw(const Uuid& image);
  /// Whether a growth is only under way, until this is taken back.
  void set_growing(bool growing);
  /// A snapshot runs full.
  void spoil(const Uuid& snapshot);
  /// Somebody removes an object by hand.
  void lose(const ObjectRef& object);
  bool contains(const ObjectRef& object) const;

 private:
  class Made;
  class Empty;
  class Copy;
  struct Object {
    std::uint64_t size_bytes = 0;
    std::optional<ObjectRef> source;
    bool being_made = false;
    bool lost = false;
  };
  Result<void> enter(const std::string& call, const ObjectRef& object);
  Result<void> reserve(const ObjectRef& object, Object made);
  Result<std::unique_ptr<volume_delegate::PreparedCopy>> prepare(const ObjectRef& object,
                                                                 Object made);
  Result<volume_delegate::Removal> remove(const ObjectRef& object);
  std::uint64_t promised() const;

  const std::uint64_t capacity_bytes_;
  const bool copies_at_once_;
  mutable std::mutex mutex_;
  Fault fault_;
  std::int64_t estimate_ms_ = 1;
  bool wiping_ = false;
  bool growing_ = false;
  std::map<ObjectRef, Object> objects_;
  std::map<Uuid, volume_delegate::StoredImage> images_;
};

}  // namespace vbs::fakes

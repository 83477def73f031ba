#include "tests/fakes/fake_backing_store.h"

#include <utility>

namespace vbs::fakes {

using volume_delegate::CopyControl;
using volume_delegate::ObjectKind;
using volume_delegate::PreparedCopy;
using volume_delegate::Removal;
using volume_delegate::StoredSnapshot;
using volume_delegate::StoredVolume;
using volume_delegate::StoreListing;
using volume_delegate::StoreSpace;

/// Its object is in the store as "being made" until it has run, which reserves its space.
class FakeBackingStore::Made : public PreparedCopy {
 public:
  Made(FakeBackingStore& store, const ObjectRef& object, std::uint64_t size_bytes)
      : store_(store), object_(object), size_bytes_(size_bytes) {}
  ~Made() override { drop(); }

  std::uint64_t size_bytes() const override { return size_bytes_; }

 protected:
  void drop() {
    if (std::exchange(ended_, true)) return;
    std::lock_guard guard(store_.mutex_);
    store_.objects_.erase(object_);
  }
  Result<void> complete(CopyControl& control) {
    control.copied_bytes = size_bytes_;
    std::lock_guard guard(store_.mutex_);
    store_.objects_[object_].being_made = false;
    ended_ = true;
    return {};
  }

  FakeBackingStore& store_;
  const ObjectRef object_;

 private:
  const std::uint64_t size_bytes_;
  bool ended_ = false;
};

class FakeBackingStore::Empty final : public Made {
 public:
  using Made::Made;
  bool at_once() const override { return true; }
  Result<void> run(CopyControl& control) override { return complete(control); }
};

class FakeBackingStore::Copy final : public Made {
 public:
  using Made::Made;
  bool at_once() const override { return store_.copies_at_once_; }

  Result<void> run(CopyControl& control) override {
    auto done = store_.enter("copy", object_);
    if (done && control.cancelled) done = fail(ErrorCode::conflict, "the copy was cancelled");
    if (!done) {
      drop();
      return done;
    }
    return complete(control);
  }
};

Result<void> FakeBackingStore::enter(const std::string& call, const ObjectRef& object) {
  Fault fault;
  {
    std::lock_guard guard(mutex_);
    fault = fault_;
  }
  return fault ? fault(call, object) : Result<void>();
}

void FakeBackingStore::set_snapshot_estimate(std::int64_t milliseconds) {
  std::lock_guard guard(mutex_);
  estimate_ms_ = milliseconds;
}

std::uint64_t FakeBackingStore::promised() const {
  std::uint64_t sum = 0;
  for (const auto& [object, held] : objects_) sum += held.size_bytes;
  return sum;
}

Result<StoreSpace> FakeBackingStore::space() {
  std::lock_guard guard(mutex_);
  return StoreSpace{capacity_bytes_, promised()};
}

Result<StoreListing> FakeBackingStore::list() {
  std::lock_guard guard(mutex_);
  StoreListing out;
  for (const auto& [object, held] : objects_) {
    if (held.being_made) continue;
    if (object.kind == ObjectKind::volume) {
      out.volumes.push_back(
          {object.id, held.size_bytes, 0, copies_at_once_ ? 0 : estimate_ms_, held.source});
    } else {
      out.snapshots.push_back({object.id, held.source->id, held.size_bytes, held.lost});
    }
  }
  for (const auto& [id, image] : images_) out.images.push_back(image);
  return out;
}

Result<StoredVolume> FakeBackingStore::find_volume(const Uuid& id) {
  std::lock_guard guard(mutex_);
  const auto found = objects_.find({ObjectKind::volume, id});
  if (found == objects_.end() || found->second.being_made) {
    return fail(ErrorCode::not_found, "no volume " + id.str());
  }
  return StoredVolume{id, found->second.size_bytes, 0, copies_at_once_ ? 0 : estimate_ms_,
                      found->second.source};
}

Result<StoredSnapshot> FakeBackingStore::find_snapshot(const Uuid& id) {
  std::lock_guard guard(mutex_);
  const auto found = objects_.find({ObjectKind::snapshot, id});
  if (found == objects_.end() || found->second.being_made) {
    return fail(ErrorCode::not_found, "no snapshot " + id.str());
  }
  return StoredSnapshot{id, found->second.source->id, found->second.size_bytes, found->second.lost};
}

Result<std::uint64_t> FakeBackingStore::source_size(const ObjectRef& source) {
  std::lock_guard guard(mutex_);
  const auto image = images_.find(source.id);
  if (source.kind == ObjectKind::image && image != images_.end()) return image->second.size_bytes;
  const auto found = objects_.find(source);
  if (found != objects_.end() && !found->second.being_made) return found->second.size_bytes;
  return fail(Error{ErrorCode::not_found, "there is no " + source.str(), "source", {}, {}});
}

Result<void> FakeBackingStore::reserve(const ObjectRef& object, Object made) {
  std::lock_guard guard(mutex_);
  if (objects_.contains(object)) return fail(ErrorCode::already_exists, object.str() + " exists");
  if (promised() + made.size_bytes > capacity_bytes_) {
    return fail(ErrorCode::insufficient_space, "no room for " + std::to_string(made.size_bytes));
  }
  objects_[object] = made;
  return {};
}

Result<std::unique_ptr<PreparedCopy>> FakeBackingStore::prepare_empty(const Uuid& id,
                                                                      std::uint64_t size_bytes) {
  const ObjectRef object{ObjectKind::volume, id};
  if (auto ok = enter("create", object); !ok) return fail(ok.error());
  if (auto ok = reserve(object, {size_bytes, std::nullopt, true, false}); !ok)
    return fail(ok.error());
  return std::make_unique<Empty>(*this, object, size_bytes);
}

Result<std::unique_ptr<PreparedCopy>> FakeBackingStore::prepare_volume(const Uuid& id,
                                                                       std::uint64_t size_bytes,
                                                                       const ObjectRef& source) {
  auto source_bytes = source_size(source);
  if (!source_bytes) return fail(source_bytes.error());
  if (size_bytes < *source_bytes) return fail_field("size_bytes", "must not be below the source's");
  return prepare({ObjectKind::volume, id}, {size_bytes, source, true, false});
}

Result<std::unique_ptr<PreparedCopy>> FakeBackingStore::prepare_snapshot(const Uuid& id,
                                                                         const Uuid& volume) {
  const ObjectRef source{ObjectKind::volume, volume};
  auto source_bytes = source_size(source);
  if (!source_bytes) return fail(source_bytes.error());
  return prepare({ObjectKind::snapshot, id}, {*source_bytes, source, true, false});
}

Result<std::unique_ptr<PreparedCopy>> FakeBackingStore::prepare(const ObjectRef& object,
                                                                Object made) {
  if (auto ok = enter("prepare", object); !ok) return fail(ok.error());
  const std::uint64_t size_bytes = made.size_bytes;
  if (auto ok = reserve(object, std::move(made)); !ok) return fail(ok.error());
  return std::make_unique<Copy>(*this, object, size_bytes);
}

Result<volume_delegate::Growth> FakeBackingStore::grow_volume(const Uuid& id,
                                                              std::uint64_t size_bytes) {
  const ObjectRef object{ObjectKind::volume, id};
  if (auto ok = enter("grow", object); !ok) return fail(ok.error());
  std::lock_guard guard(mutex_);
  const auto found = objects_.find(object);
  if (found == objects_.end() || found->second.being_made) {
    return fail(ErrorCode::not_found, "no volume " + id.str());
  }
  const std::uint64_t held = found->second.size_bytes;
  if (held > size_bytes) return volume_delegate::cannot_shrink(id, held);
  if (promised() - held + size_bytes > capacity_bytes_) {
    return fail(ErrorCode::insufficient_space, "no room for " + std::to_string(size_bytes));
  }
  if (growing_) return volume_delegate::Growth{false, size_bytes, held + (1 << 10)};
  found->second.size_bytes = size_bytes;
  return volume_delegate::Growth{};
}

Result<Removal> FakeBackingStore::remove(const ObjectRef& object) {
  if (auto ok = enter("remove", object); !ok) return fail(ok.error());
  lose(object);
  std::lock_guard guard(mutex_);
  return wiping_ ? Removal{false, 1 << 20, 1 << 10} : Removal{};
}

Result<Removal> FakeBackingStore::remove_volume(const Uuid& id) {
  return remove({ObjectKind::volume, id});
}
Result<Removal> FakeBackingStore::remove_snapshot(const Uuid& id) {
  return remove({ObjectKind::snapshot, id});
}

void FakeBackingStore::set_fault(Fault fault) {
  std::lock_guard guard(mutex_);
  fault_ = std::move(fault);
}

void FakeBackingStore::set_growing(bool growing) {
  std::lock_guard guard(mutex_);
  growing_ = growing;
}

void FakeBackingStore::set_wiping(bool wiping) {
  std::lock_guard guard(mutex_);
  wiping_ = wiping;
}

void FakeBackingStore::offer(const volume_delegate::StoredImage& image) {
  std::lock_guard guard(mutex_);
  images_[image.id] = image;
}

void FakeBackingStore::withdraw(const Uuid& image) {
  std::lock_guard guard(mutex_);
  images_.erase(image);
}

void FakeBackingStore::spoil(const Uuid& snapshot) {
  std::lock_guard guard(mutex_);
  objects_.at({ObjectKind::snapshot, snapshot}).lost = true;
}

void FakeBackingStore::lose(const ObjectRef& object) {
  std::lock_guard guard(mutex_);
  objects_.erase(object);
}

bool FakeBackingStore::contains(const ObjectRef& object) const {
  std::lock_guard guard(mutex_);
  const auto found = objects_.find(object);
  return found != objects_.end() && !found->second.being_made;
}

}  // namespace vbs::fakes

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "common/error.h"
#include "volume_delegate/store/backing_store.h"

namespace vbs::volume_delegate {

class SpaceAccount;

/// A promise of space for one object that is being made; gives it back unless kept.
class SpaceReservation {
 public:
  SpaceReservation() = default;
  SpaceReservation(SpaceAccount& account, ObjectRef object) : account_(&account), object_(object) {}
  SpaceReservation(SpaceReservation&& other) noexcept;
  SpaceReservation& operator=(SpaceReservation&& other) noexcept;
  ~SpaceReservation();

  /// The object exists now: the promise stays until it is released by name.
  void keep();

 private:
  void give_back();

  SpaceAccount* account_ = nullptr;
  ObjectRef object_;
};

/// Promises space by the full sizes of what exists and of what is being made, so that nobody who
/// writes into a sparse object can find the disk full. Thread-safe.
class SpaceAccount {
 public:
  /// What could be promised as of now, without the reserve: what our objects hold plus what is
  /// free. Called while the account is locked.
  using Measure = std::function<Result<std::uint64_t>(const std::vector<ObjectRef>& objects)>;

  /// `existing`: object -> full size. The capacity measured now is an upper limit from then on.
  static Result<std::unique_ptr<SpaceAccount>> open(std::map<ObjectRef, std::uint64_t> existing,
                                                    unsigned reserve_percent, Measure measure);

  /// Fails with insufficient_space and the numbers when the promise could not be held.
  Result<SpaceReservation> reserve(const ObjectRef& object, std::uint64_t bytes);
  /// Promises `bytes` in all to an object that is there, with the same errors.
  Result<void> extend(const ObjectRef& object, std::uint64_t bytes);
  /// Takes back what `extend` promised to an object that stayed at `bytes`.
  void give_back(const ObjectRef& object, std::uint64_t bytes);
  void release(const ObjectRef& object);
  /// Takes over what appeared or grew in the store by other hands, and drops what vanished:
  /// `present` is a listing, `still_absent` is asked again under the lock for each one that it
  /// lacks.
  void reconcile(const std::map<ObjectRef, std::uint64_t>& present,
                 const std::function<bool(const ObjectRef&)>& still_absent);
  StoreSpace space() const;

 private:
  friend class SpaceReservation;
  struct Entry {
    std::uint64_t bytes = 0;
    bool being_made = false;
  };
  SpaceAccount(unsigned reserve_percent, Measure measure)
      : reserve_percent_(reserve_percent), measure_(std::move(measure)) {}
  std::uint64_t promised() const;
  std::uint64_t without_reserve(std::uint64_t bytes) const;
  Result<std::uint64_t> measure_now() const;
  /// Whether `bytes` more can be promised.
  Result<void> check_room(std::uint64_t bytes) const;
  void keep(const ObjectRef& object);

  const unsigned reserve_percent_;
  const Measure measure_;
  std::uint64_t capacity_ = 0;  // measured at start, without the reserve
  mutable std::mutex mutex_;
  std::map<ObjectRef, Entry> entries_;
};

}  // namespace vbs::volume_delegate

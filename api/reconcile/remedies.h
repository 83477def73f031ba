#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "api/reconcile/drift.h"
#include "api/services.h"

namespace vbs::api {

/// Carries out what the reconciler has decided on: operations that nobody asked for, and rows of
/// what is lost. Each is written only if its resource is free and its rows still want it, with an
/// audit record of the principal "reconciler". Lives on the executor.
class Remedies {
 public:
  explicit Remedies(Services& services)
      : services_(services), alive_(std::make_shared<bool>(true)) {}

  /// Begins the remedy of a drift that has one; what is done, for people.
  std::string act_on(const Drift& drift);
  /// Notes which VMs show attachments of which that was not known. Nobody can tell the difference,
  /// so there is no audit record.
  void note_vm_uuids(std::map<Uuid, Uuid> found);

 private:
  /// Puts the row of a lost snapshot in error.
  void record_loss(const Drift& drift);
  void queue(const Drift& drift, std::string_view kind, std::string options);

  Services& services_;
  std::shared_ptr<void> alive_;
};

}  // namespace vbs::api

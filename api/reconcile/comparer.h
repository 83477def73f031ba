#pragma once

#include <string>
#include <vector>

#include "api/reconcile/drift.h"

namespace vbs::api {

/// Collects what one node lacks and what it has too much, in one view of the database: what the
/// comparison of a volume server and that of a VMM node share.
class Comparer {
 public:
  Comparer(db::Connection& connection, const std::string& node, const HeldResources& held)
      : connection_(connection), node_(node), held_(held) {}

  void foreign(const std::vector<std::string>& names);
  Comparison take() { return std::move(result_); }

 protected:
  /// An object that a row implies, whether or not it is there.
  void count(const std::string& resource, bool present);
  Drift& add(std::string kind, const Uuid& object, std::string detail);
  /// What a growth has not reached yet: it could not be shown while the volume grew. `who` shows
  /// `size_bytes`, 0 where that is not known. Unless it `grows`, only a person can mend that.
  void stale_size(const db::Attachment& row, const std::string& who, std::uint64_t size_bytes,
                  bool grows);
  /// `what` ("export", "device", "session") is there and no open attachment needs it. Null where it
  /// is left alone.
  Drift* surplus_of_attachment(const std::string& what, const Uuid& id, std::string path,
                               std::string vm);

  db::Connection& connection_;
  const std::string& node_;
  Comparison result_;

 private:
  const HeldResources& held_;
};

}  // namespace vbs::api

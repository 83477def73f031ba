#pragma once

#include "api/services.h"
#include "db/transitions.h"
#include "db/usage_table.h"

namespace vbs::api {

/// Body of PATCH /v1/volumes/{id}: the size that the volume shall have.
Result<std::uint64_t> read_wanted_size(const http::Request& request);

/// The intent of modify-volume: the lock of `operation.volume`, and what it will take more of quota
/// and room. Refused before anything is touched: to shrink, and to grow under VMs that could not be
/// shown the new size.
Result<void> write_growth(db::Transaction& tx, const Principal& principal,
                          std::uint64_t wanted_bytes, const NodeRegistry& nodes,
                          const Settings& settings, db::Operation& operation);

}  // namespace vbs::api

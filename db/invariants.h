#pragma once

#include <string>
#include <vector>

#include "db/connection.h"

namespace vbs::db {

/// One query that must return no rows in a healthy database, whatever was killed when.
struct Invariant {
  std::string_view name;
  std::string_view sql;  ///< first column: a text about the offending row
};
const std::vector<Invariant>& invariants();

struct Violation {
  std::string invariant;
  std::string detail;
};
/// At most 20 for each invariant.
std::vector<Violation> check_invariants(Connection& connection);

}  // namespace vbs::db

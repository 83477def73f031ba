#pragma once

#include <string>

#include "cli/service.h"

namespace vbs::cli {

enum class Noun { volume, snapshot, operation };

/// "/v1/volumes".
std::string collection_path(Noun noun);

/// The id of what a person named: by id, else by name (volumes and snapshots), else by the
/// beginning of the id (at least 4 characters). not_found if there is none, invalid_request if
/// several fit; the message lists them.
Result<std::string> resolve(Service& service, Noun noun, const std::string& text);

/// The same for a path: "/v1/volumes/<id>".
Result<std::string> resolve_path(Service& service, Noun noun, const std::string& text);

}  // namespace vbs::cli

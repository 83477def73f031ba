#pragma once

#include "api/authenticator.h"
#include "api/image_catalog.h"
#include "api/node_registry.h"
#include "api/settings.h"
#include "api/workflow/engine.h"
#include "common/clock.h"
#include "common/executor.h"
#include "common/random.h"
#include "db/database.h"

namespace vbs::api {

/// What every handler works with. All of it comes from outside, so that a whole front can be
/// simulated.
struct Services {
  const Settings& settings;
  db::Database& database;
  workflow::Engine& engine;
  const workflow::Registry& workflows;
  const NodeRegistry& nodes;
  const VmDirectory& vms;
  ImageCatalog& images;
  const Clock& clock;
  Random& random;
  Executor& executor;
};

/// A handler behind authentication.
using PrincipalHandler = std::function<void(const Principal&, http::Request, http::Responder)>;

}  // namespace vbs::api

#pragma once

#include "api/services.h"
#include "common/http/message.h"

namespace vbs::api {

/// The answer to the request that began this operation: 202 with the operation and its resource,
/// 200 once it ended well, its problem once it did not.
http::Response operation_answer(Services& services, const Uuid& id);

/// The answer to a change of this operation, which is the operation alone: what became of it is no
/// success or failure of the request.
http::Response amendment_answer(Services& services, const Uuid& id);

}  // namespace vbs::api

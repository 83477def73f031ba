#pragma once

#include <string_view>

namespace vbs::api {

/// docs/api/openapi.yaml as JSON, converted when the program is built.
extern const std::string_view kOpenApiJson;

}  // namespace vbs::api

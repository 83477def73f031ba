#pragma once

#include <functional>
#include <optional>
#include <string>

#include "api/delegate_client.h"
#include "common/http/message.h"
#include "common/json.h"

namespace vbs::sim {

/// Reads a document of the wire and writes it again: what its reader made of it.
using Reread = std::function<Result<std::string>(const json::Value&)>;

/// One kind of document that front and delegates exchange.
struct WireDocument {
  std::string name;  ///< "ExportSpec"
  Reread reread;
};

/// What the body of a call is; null where it has none.
const WireDocument* order_of(const api::DelegateCall& call);
/// What the body of a successful answer to a call is; null where it has none.
const WireDocument* answer_of(const api::DelegateCall& call, const http::Response& answer);
/// By its name; null if there is none.
const WireDocument* document_named(const std::string& name);

/// As somebody newer says it: one member more in each object.
json::Value with_more(const json::Value& value);
/// As somebody older says it: without the members that need not be there.
json::Value with_less(const WireDocument& document, const json::Value& value);

}  // namespace vbs::sim

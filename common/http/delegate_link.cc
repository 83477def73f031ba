#include "common/http/delegate_link.h"

#include "common/http/blocking.h"

namespace vbs::http {

DelegateLink read_delegate_link(config::Table& root, const std::string& default_listen) {
  DelegateLink link{read_link(root, default_listen), {}};
  config::Table table = root.table("tls");
  link.front = table.string_or("front", "vbsd");
  if (link.front.empty()) table.reject("front", "must be the name in the front's certificate");
  return link;
}

Handler only_for_front(const DelegateLink& link, Secret token, Handler inner) {
  Handler with_token = require_token(std::move(token), std::move(inner));
  return link.tls.empty() ? with_token : require_identity(link.front, std::move(with_token));
}

}  // namespace vbs::http

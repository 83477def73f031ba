#include "vmm_delegate/settings.h"

#include <arpa/inet.h>

#include <map>

#include "common/config.h"
#include "common/http/client.h"
#include "common/names.h"
#include "common/text.h"

namespace vbs::vmm_delegate {
namespace {

constexpr std::string_view kDefaultListen = "127.0.0.1:7720";
constexpr std::string_view kInitiatorPrefix = "iqn.2026-01.vbs:node-";

bool is_loopback(const std::string& host) {
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return ::inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

void read_listen(config::Table& table, Settings& settings) {
  const std::string listen = table.string_or("listen", std::string(kDefaultListen));
  const auto endpoint = http::Endpoint::parse("http://" + listen);
  if (!endpoint || listen.find(':') == std::string::npos) {
    table.reject("listen",
                 "must be an address and a port, like \"127.0.0.1:7720\", got " + quote(listen));
    return;
  }
  if (!is_loopback(endpoint->host)) {
    table.reject("listen",
                 "must be a loopback address: the token would cross the network in clear");
  }
  settings.address = endpoint->host;
  settings.port = endpoint->port;
}

void read_log(config::Table& table, Settings& settings) {
  static const std::map<std::string, log::Level> kLevels{{"debug", log::Level::debug},
                                                         {"info", log::Level::info},
                                                         {"warning", log::Level::warning},
                                                         {"error", log::Level::error}};
  settings.log_file = table.string_or("log_file", "");
  const std::string level = table.string_or("log_level", "info");
  const auto found = kLevels.find(level);
  if (found == kLevels.end()) {
    table.reject("log_level", "must be debug, info, warning or error, got " + quote(level));
    return;
  }
  settings.log_level = found->second;
}

void read_names(config::Table& table, Settings& settings) {
  settings.name = table.string("name");
  if (auto good = check_node_name(settings.name, "name"); !good) {
    table.reject("name", good.error().message);
    return;
  }
  settings.initiator = table.string_or("initiator", "");
  const bool derived = settings.initiator.empty();
  if (derived) settings.initiator = std::string(kInitiatorPrefix) + settings.name;
  if (auto good = check_iscsi_name(settings.initiator, "initiator"); !good) {
    table.reject("initiator", derived ? "must be given, because the name " + quote(settings.name) +
                                            " makes no iSCSI name"
                                      : good.error().message);
  }
}

std::string read_absolute(config::Table& table, std::string_view key) {
  std::string path = table.string(key);
  if (!path.starts_with('/')) table.reject(key, "must be an absolute path");
  return path;
}

Result<Settings> read(config::Table table) {
  Settings settings;
  read_names(table, settings);
  read_listen(table, settings);
  settings.token_file = read_absolute(table, "token_file");
  settings.state_dir = read_absolute(table, "state_dir");
  read_log(table, settings);
  config::Table hypervisor = table.table("hypervisor");
  settings.hypervisor = HypervisorSettings::read(hypervisor);
  if (auto finished = table.finish(); !finished) return fail(finished.error());
  return settings;
}

}  // namespace

Result<Settings> Settings::load(const std::string& path) {
  auto table = config::Table::load(path);
  if (!table) return fail(table.error());
  return read(*std::move(table));
}

Result<Settings> Settings::parse(std::string_view text) {
  auto table = config::Table::parse(text);
  if (!table) return fail(table.error());
  return read(*std::move(table));
}

std::string Settings::helper_log() const {
  return log_file.empty() ? state_dir + "/vbs-thaw.log" : log_file;
}

}  // namespace vbs::vmm_delegate

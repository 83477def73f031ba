// vbsd: the front service.

#include <CLI/CLI.hpp>
#include <iostream>

#include "api/front.h"
#include "api/program.h"
#include "common/log.h"
#include "common/random.h"
#include "common/secret.h"
#include "common/service_signals.h"
#include "db/database.h"
#include "db/invariants.h"

namespace {

using namespace vbs;

constexpr int kUsageError = 2;
constexpr std::size_t kTokenLength = 40;  // 238 random bits

int complain(const Error& error) {
  std::cerr << "vbsd: " << error.message << "\n";
  log::error("cannot start", {{"error", describe(error)}});
  return 1;
}

int serve(const api::Settings& settings) {
  const ServiceSignals signals;
  log::start(settings.log);
  auto program = api::Program::start(settings);
  if (!program) return complain(program.error());
  log::info("serving", {{"address", settings.server.address},
                        {"port", std::int64_t{(*program)->port()}},
                        {"tls", settings.tls.empty() ? "no" : "yes"},
                        {"version", VBS_VERSION}});
  signals.wait_for_stop([&] { (*program)->reload_certificates(); });
  log::info("stopping");
  return 0;
}

int back_up(const api::Settings& settings, const std::string& target) {
  if (auto ok = db::Database::backup(settings.database, target); !ok) return complain(ok.error());
  std::cout << "copied " << settings.database << " to " << target << "\n";
  return 0;
}

int check_database(const api::Settings& settings) {
  db::Connection connection(settings.database, db::Connection::Mode::reader);
  const auto violations = db::check_invariants(connection);
  for (const db::Violation& violation : violations)
    std::cout << violation.invariant << ": " << violation.detail << "\n";
  if (!violations.empty()) return 1;
  std::cout << "ok: " << db::invariants().size() << " invariants hold\n";
  return 0;
}

int new_token(const std::string& name, const std::string& role, const std::string& project) {
  SystemRandom random;
  const std::string token = random.alphanumeric(kTokenLength);
  const std::string line = name + " " + role + " " + project + " " + sha256_hex(token);
  if (auto ok = api::Authenticator::from_text(line, "arguments"); !ok) {
    std::cerr << "vbsd: expected NAME reader|member|admin PROJECT, of letters, digits, '.', '_' "
                 "and '-'\n";
    return kUsageError;
  }
  std::cout << line << "\n";
  std::cerr << "token (shown once): " << token << "\nadd the line above to the tokens file\n";
  return 0;
}

void print_routes() {
  for (const api::RouteRule& rule : api::route_rules()) {
    const std::string_view role = rule.open ? "anyone" : api::to_string(rule.least);
    std::cout << http::to_string(rule.method) << " " << rule.pattern << " " << role << "\n";
  }
}

void print_crash_points() {
  const workflow::Registry registry;
  for (const workflow::Workflow& workflow : registry.all()) {
    for (const std::string& name : workflow::crash_points(workflow)) std::cout << name << "\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"vbsd, the front service of VBS: volumes for virtual machines"};
  app.set_version_flag("--version", "vbsd " VBS_VERSION);
  std::string config = "/etc/vbs/vbsd.toml";
  std::string target, name, role, project;
  bool check_config = false;
  bool routes = false;
  bool points = false;
  app.add_option("--config", config, "configuration file")->capture_default_str();
  app.add_flag("--check-config", check_config, "read the configuration and exit");
  app.add_flag("--routes", routes, "print every route with the least role it takes, and exit");
  app.add_flag("--crash-points", points,
               "print the name of every fault point of the workflows and exit");
  app.require_subcommand(0, 1);
  auto* backup = app.add_subcommand("backup", "copy the database while the service runs");
  backup->add_option("target", target, "file to make")->required();
  auto* check = app.add_subcommand("check-database", "look for rows that contradict each other");
  auto* token = app.add_subcommand("new-token", "make a token and its line for the tokens file");
  token->add_option("name", name, "who will use it")->required();
  token->add_option("role", role, "reader, member or admin")->required();
  token->add_option("project", project, "project it belongs to")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageError;
  }
  if (routes) return print_routes(), 0;
  if (points) return print_crash_points(), 0;
  if (*token) return new_token(name, role, project);
  auto settings = vbs::api::load_settings(config);
  if (!settings) return complain(settings.error());
  if (check_config) return std::cout << config << " is right\n", 0;
  if (*backup) return back_up(*settings, target);
  try {
    if (*check) return check_database(*settings);
  } catch (const vbs::db::SqliteError& error) {
    return complain(error.to_error());
  }
  return serve(*settings);
}

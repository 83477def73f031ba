#pragma once

#include <functional>
#include <string>

#include "cli/context.h"

namespace vbs::cli {

/// Makes the table of a list's elements.
using RenderList = std::function<std::string(const json::Value::Array&, WallTime now)>;
/// Makes the description of one resource.
using RenderOne = std::function<std::string(const json::Value&, WallTime now)>;

/// Adds a query parameter for every value the option was given.
void add_filter(const Arguments& arguments, std::string_view option, const std::string& parameter,
                Query& query);
/// --project and --all-projects.
void add_project_filter(const Arguments& arguments, Query& query);
/// Whether the table needs a column for it.
bool shows_projects(const Arguments& arguments);

/// Reads a list to its end (or --limit) and shows it: table, JSON {"<member>": [...]}, or with
/// --quiet the ids (names or sequence numbers where there is no id), one a line.
Result<ExitCode> show_list(Context& context, const std::string& path, const std::string& member,
                           const Query& query, const RenderList& render);

/// The same for a list that always comes in one piece.
Result<ExitCode> show_whole_list(Context& context, const std::string& path,
                                 const std::string& member, const RenderList& render);

/// Shows one document: description, JSON, or its id.
void show_one(Context& context, const json::Value& document, const RenderOne& render);
/// Reads it first.
Result<ExitCode> fetch_and_show(Context& context, const std::string& path, const RenderOne& render);

}  // namespace vbs::cli

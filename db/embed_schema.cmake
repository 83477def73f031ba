# Writes OUTPUT, a C++ file with known_migrations(), from the schema files INPUTS ('|' between them).
# Run by: cmake -DINPUTS=... -DOUTPUT=... -P embed_schema.cmake

string(REPLACE "|" ";" files "${INPUTS}")
list(SORT files COMPARE NATURAL)

set(entries "")
foreach(file ${files})
  get_filename_component(stem "${file}" NAME_WE)
  if(NOT stem MATCHES "^0*([1-9][0-9]*)_([a-z0-9_]+)$")
    message(FATAL_ERROR "${file}: schema files are named <version>_<name>.sql")
  endif()
  set(version "${CMAKE_MATCH_1}")
  set(name "${CMAKE_MATCH_2}")
  file(READ "${file}" sql)
  string(APPEND entries "    {${version}, \"${name}\", R\"vbs_sql(${sql})vbs_sql\"},\n")
endforeach()

file(WRITE "${OUTPUT}" "#include \"db/migrations.h\"

namespace vbs::db {
namespace {

constexpr Migration kMigrations[] = {
${entries}};

}  // namespace

std::span<const Migration> known_migrations() { return kMigrations; }

}  // namespace vbs::db
")

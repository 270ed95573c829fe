# cmake -D FILE=status_page.html -D OUT=x.cpp -P embed.cmake: makes a C++ source with the file as a string.
file(READ ${FILE} content)
file(WRITE ${OUT} "#include \"proxy/app/status_page.hpp\"

namespace ballast {

const std::string_view status_page_html = R\"status_page(${content})status_page\";

}  // namespace ballast
")

{% macro run() %}
#include "stdint_compat.h"
#include "common_math.h"
#include "dense.hpp"
#include <climits>

namespace {
    {{support_code_lines|autoindent}}
}

{{hashdefine_lines|autoindent}}

extern "C" void neuro_ep_run(void **_arrays)
{
    %CONSTANTS%
    {{pointers_lines|autoindent}}
    {% block maincode %}
    {% endblock %}
}
{% endmacro %}

{# USES_VARIABLES { N } #}
{# ALLOWS_SCALAR_WRITE #}
{# State updates and regular code of neurons, see neuro_ep/shared_loops.py. #}
{% extends 'common_group.cpp' %}
{% block extra_headers %}
#include "threads.hpp"
{% endblock %}
{% block maincode %}
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    {% if is_shared(variables) %}
    neuro_ep::together(neuro_ep::all_threads(), [=](neuro_ep::Team _team) {
        const neuro_ep::Share _share = _team.share({{variables['N'].value}});
        #pragma omp simd
        for (int _idx = _share.first; _idx < _share.last; _idx++)
        {
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
        }
    });
    {% else %}
    const int _N = {{constant_or_scalar('N', variables['N'])}};
    for (int _idx = 0; _idx < _N; _idx++)
    {
        const size_t _vectorisation_idx = _idx;
        {{vector_code|autoindent}}
    }
    {% endif %}
{% endblock %}

{# ALLOWS_SCALAR_WRITE #}
{% extends 'dense_operation.cpp' %}
{% block maincode %}
    typedef {{c_data_type(scalar)}} _real;
    if ({{get_array_name(gate)}}[0] != 0)
    {
        {% for name, array in turned %}
        _real* _all_{{name}} = neuro_ep::scratch<_real>({{loop.index0}}, {{_n_pre * _n_post}});
        for (int i = 0; i < {{_n_pre}}; i++)
            for (int j = 0; j < {{_n_post}}; j++)
                _all_{{name}}[j * {{_n_pre}} + i] = {{get_array_name(array)}}[i * {{_n_post}} + j];
        {% endfor %}
        const size_t _vectorisation_idx = -1;
        {{scalar_code['update']|autoindent}}
        for (int32_t i = 0; i < {{_n_pre}}; i++)
            for (int32_t j = 0; j < {{_n_post}}; j++)
            {
                const int _idx = i * {{_n_post}} + j;
                const size_t _vectorisation_idx = _idx;
                {% for name, array in turned %}
                const _real {{name}} = _all_{{name}}[_idx];
                {% endfor %}
                {{vector_code['update']|autoindent}}
            }
    }
{% endblock %}

{% extends 'dense_operation.cpp' %}
{% from 'dense_macros.cpp' import vector with context %}
{% from 'convolution_macros.cpp' import map with context %}
{% block maincode %}
    typedef {{c_data_type(scalar)}} _real;
    {{map()}}
    _real* _unfolded = neuro_ep::scratch<_real>(0, (size_t)_map.inputs() * _map.positions());
    _real* _product = neuro_ep::scratch<_real>(1, _weights);
    {% for state in states %}
    _real* _change_{{loop.index0}} = neuro_ep::scratch<_real>({{loop.index0 + 4}}, _weights);
    {
        _real* const _change = _change_{{loop.index0}};
        std::fill(_change, _change + _weights, (_real)0);
        {% for term in state.terms %}
        {
            _real _scale;
            {
                const size_t _vectorisation_idx = -1;
                {{scalar_code[term.coefficient]|autoindent}}
                _scale = (_real)(_coefficient * {{get_array_name(variables['dt'])}}[0]);
            }
            if (_scale != 0)
            {
                {% if not term.once %}
                {{vector(term.pre, "_pre_part", 2)}}
                {{vector(term.post, "_post_part", 3)}}
                {% if term.matrix is not none %}
                std::fill(_product, _product + _weights, (_real)0);
                {% endif %}
                neuro_ep::correlate(_map, _maps, {{channels}}, _scale, _pre_part, _post_part,
                    {{"_change" if term.matrix is none else "_product"}}, _unfolded);
                {% endif %}
                {% if term.once or term.matrix is not none %}
                for (int _k = 0; _k < _weights; _k++)
                    _change[_k] += {{"_scale" if term.once else "_product[_k]"}}{% if term.matrix is not none %} * {{get_array_name(term.matrix)}}[_k]{% endif %};
                {% endif %}
            }
        }
        {% endfor %}
    }
    {% endfor %}
    {% for state in states %}
    for (int _k = 0; _k < _weights; _k++)
        {{get_array_name(state.array)}}[_k] += _change_{{loop.index0}}[_k];
    {% endfor %}
{% endblock %}
